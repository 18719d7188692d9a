/** The list of keys, opened by `?`. */
import { useEffect, useState } from 'preact/hooks';
import { Dialog } from '../parts/basics.js';
import { shortcutList } from './shortcuts.js';

export default function ShortcutsDialog() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const show = () => setOpen(true);
    document.addEventListener('weir:help', show);
    return () => document.removeEventListener('weir:help', show);
  }, []);
  if (!open) return null;
  const groups = [...new Set(shortcutList.map((entry) => entry.group))];
  return (
    <Dialog title="Keyboard shortcuts" onClose={() => setOpen(false)}>
      {groups.map((group) => (
        <section key={group}>
          <h3 class="small muted" style={{ marginBottom: '8px' }}>
            {group}
          </h3>
          <dl class="facts" style={{ gridTemplateColumns: '92px 1fr' }}>
            {shortcutList
              .filter((entry) => entry.group === group)
              .flatMap((entry) => [
                <dt key={`${entry.text}-keys`} class="btn-row" style={{ gap: '4px' }}>
                  {entry.keys.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>,
                <dd key={entry.text} style={{ alignSelf: 'center' }}>
                  {entry.text}
                </dd>,
              ])}
          </dl>
        </section>
      ))}
      <div class="actions">
        <button type="button" class="btn" onClick={() => setOpen(false)}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

/** The title, changed where it stands. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Video } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { Icon } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import { mayChange } from './video-rights.js';

export function TitleLine({ video, onChange }: { video: Video; onChange: (video: Video) => void }) {
  const [text, setText] = useState<string | undefined>(undefined);
  const field = useRef<HTMLInputElement>(null);
  const { busy, error, run, setError } = useAction();
  const isEditing = text !== undefined;
  useEffect(() => field.current?.select(), [isEditing]);
  const end = () => {
    setText(undefined);
    setError(undefined);
  };
  const save = async () => {
    const title = (text ?? '').trim();
    if (title === '' || title === video.title) return end();
    const ok = await run(async () => onChange(await call('update_video', { params: { video_id: video.video_id }, body: { title } })));
    if (ok) end();
  };
  if (!isEditing) {
    return (
      <h1 class="title-line" dir="auto" data-testid="title">
        {video.title}
        {mayChange(video) && video.deleted_at === null && (
          <button
            type="button"
            class="btn icon quiet small"
            aria-label="Change the title"
            title="Change the title"
            data-testid="edit-title"
            onClick={() => setText(video.title)}
          >
            <Icon name="edit" size={15} />
          </button>
        )}
      </h1>
    );
  }
  return (
    <form
      class="title-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <input
        ref={field}
        class="input"
        dir="auto"
        maxLength={300}
        aria-label="Title"
        data-testid="title-field"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && end()}
      />
      <button type="submit" class="btn primary" disabled={busy || text.trim() === ''}>
        Save
      </button>
      <button type="button" class="btn" onClick={end}>
        Cancel
      </button>
      {error !== undefined && (
        <span class="small transfer-failed" role="alert">
          {error.message}
        </span>
      )}
    </form>
  );
}

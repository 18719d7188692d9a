/** Removing with a way back: the thing is gone from the page at once, and from the hub when nobody took it back. */
import { signal } from '@preact/signals';
import { toApiError } from '../core/api.js';
import { hideToast, showToast } from '../core/toasts.js';

/** What is about to be removed; lists leave these out. */
export const leaving = signal<ReadonlySet<string>>(new Set());

const graceMs = 6000;

function mark(key: string, isLeaving: boolean): void {
  const next = new Set(leaving.peek());
  if (isLeaving) next.add(key);
  else next.delete(key);
  leaving.value = next;
}

/** Removes after 6 s, or when the page is left; until then a notice offers to take it back. A refusal brings the thing back and says why. */
export function removeLater(options: { key: string; title: string; remove: (keepalive: boolean) => Promise<unknown>; onRemoved: () => void }): void {
  const { key, title, remove, onRemoved } = options;
  const ended = new AbortController();
  let toast = -1;
  const settle = () => {
    ended.abort();
    clearTimeout(timer);
    hideToast(toast);
  };
  const commit = async (keepalive: boolean) => {
    settle();
    try {
      await remove(keepalive);
      onRemoved();
    } catch (thrown) {
      const error = toApiError(thrown);
      showToast({ tone: 'bad', title: error.message, text: error.hint });
    } finally {
      mark(key, false);
    }
  };
  const timer = setTimeout(() => void commit(false), graceMs);
  addEventListener('pagehide', () => void commit(true), { signal: ended.signal });
  mark(key, true);
  toast = showToast({
    tone: 'ok',
    title,
    action: {
      label: 'Undo',
      run: () => {
        settle();
        mark(key, false);
      },
    },
  });
}

/** What the keyboard does on the timeline. */
import { type Deck, jump, moveBy, panBy, playOrPause, stepFrame, zoomBy } from './stage.js';
import { bounds, playhead, selecting, selection } from './timeline-state.js';

/** The keys of the page, while no dialog and no field has them. Returns the way to end it. */
export function listenKeys(deck: Deck): () => void {
  const controller = new AbortController();
  const keys: Record<string, (event: KeyboardEvent) => void> = {
    ' ': () => playOrPause(deck),
    ArrowLeft: (event) => moveBy(deck, event.shiftKey ? -60_000 : -10_000),
    ArrowRight: (event) => moveBy(deck, event.shiftKey ? 60_000 : 10_000),
    ',': () => stepFrame(deck, -1),
    '.': () => stepFrame(deck, 1),
    '+': () => zoomBy(0.5),
    '=': () => zoomBy(0.5),
    '-': () => zoomBy(2),
    PageUp: () => panBy(-0.8),
    PageDown: () => panBy(0.8),
    j: () => jump(deck, 'missing', -1),
    k: () => jump(deck, 'missing', 1),
    J: () => jump(deck, 'present', -1),
    K: () => jump(deck, 'present', 1),
    '[': () => beginSelection(),
    ']': () => endSelection(),
    Escape: () => {
      selection.value = undefined;
      selecting.value = false;
    },
  };
  document.addEventListener(
    'keydown',
    (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as Element;
      // An open dialog has the keys for itself, wherever the focus has gone.
      if (target.closest('input, textarea, select, .menu') !== null || document.querySelector('dialog[open]') !== null) return;
      // A button keeps its own Space.
      if (event.key === ' ' && target.closest('button, a') !== null) return;
      const act = keys[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act(event);
    },
    { signal: controller.signal },
  );
  return () => controller.abort();
}

/** After a click of the mouse Space shall play, and not press the same button again; who uses keys keeps the focus. */
export function giveBackFocus(event: MouseEvent): void {
  const button = (event.target as Element).closest('button');
  if (event.detail > 0 && button !== null && button.closest('dialog, .menu-anchor') === null) button.blur();
}

function beginSelection(): void {
  const at = playhead.peek();
  const end = selection.peek()?.to;
  selection.value = { from: at, to: end !== undefined && end > at ? end : Math.min(at + 60_000, bounds.peek().to) };
}

function endSelection(): void {
  const at = playhead.peek();
  const from = selection.peek()?.from;
  selection.value = { from: from !== undefined && from < at ? from : Math.max(at - 60_000, bounds.peek().from), to: at };
}

/** Ordering tiles by hand: pointer (mouse, pen, touch) and keyboard do the same thing. */
import { signal } from '@preact/signals';
import { placeTile, setTiles, wall } from './wall-state.js';

/** The tile that is being moved, and how. */
export const moving = signal<{ id: string; by: 'pointer' | 'keys'; before: readonly string[] } | undefined>(undefined);
/** What a screen reader is told of the move. */
export const moveNews = signal('');

function tiles(): readonly string[] {
  return wall.peek()?.tiles ?? [];
}

/** Starts on the grip of a tile and follows the pointer until it is let go; Escape brings the old order back. */
export function dragTile(id: string, event: PointerEvent): void {
  if (event.button !== 0) return;
  const grip = event.currentTarget as HTMLElement;
  const controller = new AbortController();
  const { signal: ended } = controller;
  moving.value = { id, by: 'pointer', before: tiles() };
  grip.setPointerCapture(event.pointerId);
  const finish = () => {
    controller.abort();
    moving.value = undefined;
  };
  // Listening on the document outlives the moves of the tile within the page.
  document.addEventListener('pointermove', (move) => followPointer(id, move), { signal: ended });
  document.addEventListener('pointerup', finish, { signal: ended });
  document.addEventListener('pointercancel', finish, { signal: ended });
  document.addEventListener(
    'keydown',
    (key) => {
      if (key.key !== 'Escape') return;
      setTiles(moving.peek()?.before ?? tiles());
      finish();
    },
    { signal: ended },
  );
}

function followPointer(id: string, move: PointerEvent): void {
  const under = document.elementFromPoint(move.clientX, move.clientY)?.closest<HTMLElement>('[data-tile]');
  const target = under?.dataset.tile;
  if (target === undefined || target === id) return;
  placeTile(id, tiles().indexOf(target));
}

/** Keys of a grip: Space or Enter takes and drops, arrows move, Escape gives up. */
export function moveByKey(id: string, name: string, columns: number, event: KeyboardEvent): void {
  const current = moving.peek();
  const isHeld = current?.id === id && current.by === 'keys';
  if (event.key === ' ' || event.key === 'Enter') {
    moving.value = isHeld ? undefined : { id, by: 'keys', before: tiles() };
    moveNews.value = isHeld
      ? `${name} dropped at place ${tiles().indexOf(id) + 1}`
      : `${name} taken. Arrow keys move it, Space drops it, Escape cancels.`;
  } else if (isHeld && event.key === 'Escape') {
    setTiles(current.before);
    moving.value = undefined;
    moveNews.value = `${name} is back at its old place`;
  } else if (isHeld && event.key in steps) {
    placeTile(id, tiles().indexOf(id) + (steps[event.key]?.(columns) ?? 0));
    moveNews.value = `${name}, place ${tiles().indexOf(id) + 1} of ${tiles().length}`;
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

const steps: Record<string, (columns: number) => number> = {
  ArrowLeft: () => -1,
  ArrowRight: () => 1,
  ArrowUp: (columns) => -columns,
  ArrowDown: (columns) => columns,
};

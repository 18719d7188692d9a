/** Which streams hang on the wall and in which order; remembered for each user on this device. */
import { computed, signal } from '@preact/signals';
import { streams } from '../core/data.js';
import { session } from '../core/session.js';
import { remember, remembered } from '../core/theme.js';
import { type Layout, mostTiles, moveTile, parseWall, type WallMemory } from './grid.js';

const firstTiles = 9;

const changed = signal(0);
const key = computed(() => `weir.wall.${session.value?.user_id ?? 'token'}`);

/** What the user arranged; undefined as long as nothing was. */
const arranged = computed<WallMemory | undefined>(() => {
  void changed.value;
  return parseWall(remembered(key.value));
});

/** The wall to show: as arranged, else the first streams there are. Undefined while the streams are not known. */
export const wall = computed<WallMemory | undefined>(() => {
  const memory = arranged.value;
  const list = streams.value;
  if (list.kind !== 'ready') return memory;
  const known = new Set(list.value.map((model) => model.id));
  if (memory !== undefined) return { layout: memory.layout, tiles: memory.tiles.filter((id) => known.has(id)) };
  return { layout: 'auto', tiles: list.value.slice(0, firstTiles).map((model) => model.id) };
});

function save(memory: WallMemory): void {
  remember(key.peek(), JSON.stringify(memory));
  changed.value += 1;
}

function change(next: (memory: WallMemory) => WallMemory): void {
  const memory = wall.peek();
  if (memory !== undefined) save(next(memory));
}

/** Chooses a layout. */
export function setLayout(layout: Layout): void {
  change((memory) => ({ ...memory, layout }));
}

/** Hangs streams at the end, as far as there is room. */
export function addTiles(ids: readonly string[]): void {
  change((memory) => ({ ...memory, tiles: [...new Set([...memory.tiles, ...ids])].slice(0, mostTiles) }));
}

/** Takes a stream off the wall. */
export function removeTile(id: string): void {
  change((memory) => ({ ...memory, tiles: memory.tiles.filter((one) => one !== id) }));
}

/** Puts a tile at another place. */
export function placeTile(id: string, to: number): void {
  change((memory) => ({ ...memory, tiles: moveTile(memory.tiles, id, to) }));
}

/** Brings back an earlier order. */
export function setTiles(tiles: readonly string[]): void {
  change((memory) => ({ ...memory, tiles }));
}

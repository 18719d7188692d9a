/** How tiles share a wall. Pure. */

export const layouts = ['auto', 1, 4, 9, 16] as const;
export type Layout = (typeof layouts)[number];

export const mostTiles = 16;

export interface Grid {
  columns: number;
  rows: number;
}

/** The grid in which `count` pictures of 16:9 come out largest in a space of this size. */
export function fitGrid(count: number, width: number, height: number, aspect = 16 / 9): Grid {
  let best: Grid = { columns: 1, rows: Math.max(1, count) };
  let bestArea = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const picture = Math.min(width / columns, (height / rows) * aspect);
    const area = picture * picture;
    // A wider grid must win clearly, or the last tile would hop between two that are equally good.
    if (area > bestArea * 1.001) {
      best = { columns, rows };
      bestArea = area;
    }
  }
  return best;
}

/** Grid of a layout; `auto` fits the tiles it has. */
export function gridOf(layout: Layout, count: number, width: number, height: number): Grid {
  if (layout === 'auto') return fitGrid(Math.max(1, count), width, height);
  const side = Math.sqrt(layout);
  return { columns: side, rows: side };
}

/** Moves one entry to another place; the same list when there is nothing to do. */
export function moveTile(tiles: readonly string[], id: string, to: number): readonly string[] {
  const from = tiles.indexOf(id);
  const target = Math.max(0, Math.min(tiles.length - 1, to));
  if (from < 0 || from === target) return tiles;
  const rest = tiles.filter((one) => one !== id);
  return [...rest.slice(0, target), id, ...rest.slice(target)];
}

export interface WallMemory {
  layout: Layout;
  tiles: readonly string[];
}

/** Reads what was remembered; anything unknown in it is left out, and `undefined` when there is nothing of use. */
export function parseWall(text: string | null): WallMemory | undefined {
  if (text === null) return undefined;
  try {
    const value = JSON.parse(text) as { layout?: unknown; tiles?: unknown };
    if (!Array.isArray(value.tiles)) return undefined;
    const tiles = [...new Set(value.tiles.filter((one): one is string => typeof one === 'string'))].slice(0, mostTiles);
    return { layout: layouts.find((one) => one === value.layout) ?? 'auto', tiles };
  } catch {
    return undefined;
  }
}

/** Between the wall clock and the player's clock, which leaves out what was not recorded. Pure. */

export interface MediaPiece {
  /** Wall clock of its first frame, milliseconds. */
  readonly at: number;
  /** Seconds of the player's clock. */
  readonly start: number;
  readonly duration: number;
}

/** Where to put the player for a wall clock time; in a gap at the next picture; undefined behind the last. */
export function positionOf(pieces: readonly MediaPiece[], time: number): number | undefined {
  let low = 0;
  let high = pieces.length;
  // First piece that ends after the time.
  while (low < high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece !== undefined && piece.at + piece.duration * 1000 <= time) low = middle + 1;
    else high = middle;
  }
  const piece = pieces[low];
  if (piece === undefined) return undefined;
  return piece.start + Math.max(0, time - piece.at) / 1000;
}

/** Wall clock of what the player shows; undefined before anything is known. */
export function timeOf(pieces: readonly MediaPiece[], position: number): number | undefined {
  let low = 0;
  let high = pieces.length - 1;
  let found: MediaPiece | undefined;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const piece = pieces[middle];
    if (piece === undefined) break;
    if (piece.start <= position + 0.001) {
      found = piece;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  const piece = found ?? pieces[0];
  if (piece === undefined) return undefined;
  return piece.at + Math.min(Math.max(0, position - piece.start), piece.duration) * 1000;
}

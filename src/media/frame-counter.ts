/**
 * The machine-readable frame number of the test picture. Runs in Node and in the browser.
 *
 * Layout, in blocks of `blockPixels` (at the full size of the picture) from the top left corner, one row:
 * white, black, 24 bits of the frame number (most significant first, white is 1), even parity bit, black, white.
 * The row stands on a black band of two blocks' height, so that blocks keep a dark neighbour below.
 */

export const frameCounterLayout = { blockPixels: 16, bits: 24, blocks: 29, fullWidth: 1280 } as const;

/**
 * Reads the frame number from a decoded picture (RGBA or one byte per pixel of luma; told apart by the length).
 * Undefined when the guard blocks or the parity are wrong, so that a damaged picture gives no number rather than a false one.
 */
export function readFrameCounter(_pixels: Uint8Array | Uint8ClampedArray, _width: number, _height: number, _fullWidth?: number): number | undefined {
  throw new Error('being written');
}

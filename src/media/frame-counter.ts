/**
 * The machine-readable frame number of the test picture. Runs in Node and in the browser.
 *
 * Layout: one row of 29 square blocks from the top left corner, each 1/80 of the picture's width (16 pixels at 1280), so that it
 * survives scaling: white, black, 24 bits of the frame number (most significant first, white is 1), even parity bit, black, white.
 * The row stands on a black band, so that blocks have dark neighbours below.
 */
export const frameCounterLayout = { blocksPerWidth: 80, bits: 24, blocks: 29 } as const;

/**
 * Reads the frame number from a decoded picture: RGBA or one byte of luma per pixel, told apart by the length.
 * Undefined when the guard blocks, the contrast of a bit or the parity are wrong, so that a damaged picture gives no number
 * rather than a false one.
 */
export function readFrameCounter(pixels: Uint8Array | Uint8ClampedArray, width: number, height: number): number | undefined {
  const channels = pixels.length / (width * height);
  if (channels !== 1 && channels !== 4) return undefined;
  const block = width / frameCounterLayout.blocksPerWidth;
  const levels: number[] = [];
  for (let index = 0; index < frameCounterLayout.blocks; index += 1) levels.push(blockLevel(pixels, width, channels, index, block));
  const [white1 = 0, black1 = 0] = levels;
  const [black2 = 0, white2 = 0] = levels.slice(-2);
  const darkest = Math.max(black1, black2);
  const contrast = Math.min(white1, white2) - darkest;
  if (contrast < 64) return undefined;
  let number = 0;
  let parity = 0;
  for (const level of levels.slice(2, -2)) {
    const share = (level - darkest) / contrast;
    // The middle fifth belongs to neither.
    if (share > 0.4 && share < 0.6) return undefined;
    const bit = share >= 0.6 ? 1 : 0;
    number = number * 2 + bit;
    parity ^= bit;
  }
  // The last of the 25 is the parity bit itself; with it the sum is even.
  return parity === 0 ? Math.floor(number / 2) : undefined;
}

/** Mean luma of the middle half of a block; its edges are smeared by the encoder. */
function blockLevel(pixels: Uint8Array | Uint8ClampedArray, width: number, channels: number, index: number, block: number): number {
  const fromX = Math.floor((index + 0.25) * block);
  const toX = Math.max(fromX + 1, Math.ceil((index + 0.75) * block));
  const fromY = Math.floor(0.25 * block);
  const toY = Math.max(fromY + 1, Math.ceil(0.75 * block));
  let sum = 0;
  for (let y = fromY; y < toY; y += 1) {
    for (let x = fromX; x < toX; x += 1) sum += lumaAt(pixels, (y * width + x) * channels, channels);
  }
  return sum / ((toX - fromX) * (toY - fromY));
}

function lumaAt(pixels: Uint8Array | Uint8ClampedArray, at: number, channels: number): number {
  const red = pixels[at] ?? 0;
  if (channels === 1) return red;
  return 0.299 * red + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0);
}

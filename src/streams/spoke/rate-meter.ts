/** Frames and bytes per second over about the last second; the clock is given. */
const slotMs = 100;
const wholeSlots = 10;
/** One more for the slot that is being filled: it is counted once it is whole, else every reading would be low. */
const slots = wholeSlots + 1;
/** A burst at the start is spread over at least so long. */
const leastCoveredMs = 500;

export class RateMeter {
  readonly #frames = new Float64Array(slots);
  readonly #bytes = new Float64Array(slots);
  #slot = -1;
  #firstMs: number | undefined;
  totalFrames = 0;
  totalBytes = 0;

  add(frames: number, bytes: number, atMs: number): void {
    const at = this.#advance(atMs);
    this.#firstMs ??= atMs;
    this.#frames[at] = (this.#frames[at] ?? 0) + frames;
    this.#bytes[at] = (this.#bytes[at] ?? 0) + bytes;
    this.totalFrames += frames;
    this.totalBytes += bytes;
  }

  /** Both to one decimal, over the last second of whole slots; before there is one, over the time since the first frame. */
  rates(atMs: number): { fps: number; bitrateKbps: number } {
    const filling = this.#advance(atMs);
    const sinceFirstMs = this.#slot * slotMs - (this.#firstMs ?? 0);
    const seconds = Math.min(wholeSlots * slotMs, Math.max(leastCoveredMs, sinceFirstMs)) / 1000;
    return { fps: round(sumBut(filling, this.#frames) / seconds), bitrateKbps: round((sumBut(filling, this.#bytes) * 8) / 1000 / seconds) };
  }

  #advance(atMs: number): number {
    const slot = Math.floor(atMs / slotMs);
    // Slots that passed without news are empty; beyond a full round all are.
    for (let passed = Math.max(this.#slot + 1, slot - slots + 1); passed <= slot; passed++) {
      this.#frames[passed % slots] = 0;
      this.#bytes[passed % slots] = 0;
    }
    this.#slot = Math.max(this.#slot, slot);
    return this.#slot % slots;
  }
}

function sumBut(left: number, values: Float64Array): number {
  let total = 0;
  for (const [index, value] of values.entries()) if (index !== left) total += value;
  return total;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

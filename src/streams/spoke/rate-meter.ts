/** Frames and bytes per second over about the last second; the clock is given. */
const slots = 10;
const slotMs = 100;

export class RateMeter {
  readonly #frames = new Float64Array(slots);
  readonly #bytes = new Float64Array(slots);
  #slot = -1;
  totalFrames = 0;
  totalBytes = 0;

  add(frames: number, bytes: number, atMs: number): void {
    const at = this.#advance(atMs);
    this.#frames[at] = (this.#frames[at] ?? 0) + frames;
    this.#bytes[at] = (this.#bytes[at] ?? 0) + bytes;
    this.totalFrames += frames;
    this.totalBytes += bytes;
  }

  /** Both to one decimal. */
  rates(atMs: number): { fps: number; bitrateKbps: number } {
    this.#advance(atMs);
    const seconds = (slots * slotMs) / 1000;
    return { fps: round(sum(this.#frames) / seconds), bitrateKbps: round((sum(this.#bytes) * 8) / 1000 / seconds) };
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

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

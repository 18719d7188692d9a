/** Text lines out of a byte stream that may be hostile: endless lines, floods, no line end at all. Memory stays bounded. */

export interface LineLimits {
  /** Longest line in bytes; the rest of a longer one is dropped and `…` stands for it. Default 4096. */
  maxLength?: number;
  /** Lines handed on per second; more are counted, not handed on. Default 200. */
  perSecond?: number;
  /** Last lines kept for {@link BoundedLines.tail}, suppressed ones included. Default 20. */
  tail?: number;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

export class BoundedLines {
  readonly #maxLength: number;
  readonly #perSecond: number;
  readonly #tailSize: number;
  readonly #onLine: (line: string) => void;
  readonly #now: () => number;
  readonly #carry: Buffer;
  #carried = 0;
  #cut = false;
  readonly #tail: string[] = [];
  #windowStart = Number.NEGATIVE_INFINITY;
  #inWindow = 0;
  #suppressed = 0;

  constructor(onLine: (line: string) => void, limits: LineLimits = {}, now: () => number = () => performance.now()) {
    this.#onLine = onLine;
    this.#maxLength = limits.maxLength ?? 4096;
    this.#perSecond = limits.perSecond ?? 200;
    this.#tailSize = limits.tail ?? 20;
    this.#carry = Buffer.allocUnsafe(this.#maxLength);
    this.#now = now;
  }

  /** Lines that were not handed on because too many came. */
  get suppressed(): number {
    return this.#suppressed;
  }

  /** The last lines, oldest first. */
  tail(): string[] {
    return [...this.#tail];
  }

  /** Takes the next bytes. Both `\n` and `\r` end a line, since progress displays use the latter; empty lines are dropped. */
  push(chunk: Buffer): void {
    const allowed = this.#allowance();
    // Of a flood only the last lines can ever be looked at, so only they are decoded.
    const flood: Buffer[] = [];
    let handed = 0;
    let start = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      if (byte !== newline && byte !== carriageReturn) continue;
      const line = this.#complete(chunk.subarray(start, index));
      start = index + 1;
      if (line === undefined) continue;
      if (handed < allowed) {
        handed++;
        this.#handOn(line);
        continue;
      }
      this.#suppressed++;
      flood.push(line);
      if (flood.length > this.#tailSize) flood.shift();
    }
    this.#inWindow += handed;
    for (const line of flood) this.#remember(line.toString('utf8'));
    this.#keep(chunk.subarray(start));
  }

  /** The stream has ended: what stands without a line end is a line too. */
  end(): void {
    const line = this.#complete(Buffer.alloc(0));
    if (line !== undefined) this.#handOn(line);
  }

  #allowance(): number {
    const now = this.#now();
    if (now - this.#windowStart >= 1000) {
      this.#windowStart = now;
      this.#inWindow = 0;
    }
    return this.#perSecond - this.#inWindow;
  }

  /** The carried part and this one as a line of its own memory, or undefined when empty. */
  #complete(part: Buffer): Buffer | undefined {
    this.#keep(part);
    if (this.#carried === 0) return undefined;
    const line = Buffer.from(this.#carry.subarray(0, this.#carried));
    const whole = this.#cut ? Buffer.concat([line, Buffer.from('…')]) : line;
    this.#carried = 0;
    this.#cut = false;
    return whole;
  }

  #keep(part: Buffer): void {
    const room = this.#maxLength - this.#carried;
    if (part.length > room) this.#cut = true;
    this.#carried += part.copy(this.#carry, this.#carried, 0, Math.min(part.length, room));
  }

  #handOn(line: Buffer): void {
    const text = line.toString('utf8');
    this.#remember(text);
    this.#onLine(text);
  }

  #remember(text: string): void {
    this.#tail.push(text);
    if (this.#tail.length > this.#tailSize) this.#tail.shift();
  }
}

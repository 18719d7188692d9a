/**
 * Tells how long a WebSocket message has been on its way. The library hands over whole messages only, and a peer that stops in the middle
 * of one may still answer pings between two fragments; so the borders of the frames are followed here, without looking at what is in them.
 */
export class MessageProgress {
  /** Bytes of the present frame's payload that are still to come. */
  #left = 0;
  /** Bytes of a frame's head that came so far; a head has 2 to 14. */
  #head: number[] = [];
  #isFragmented = false;
  #since: number | undefined;

  /** When the first byte of the unfinished message came; undefined between messages. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Takes bytes as they came from the peer. */
  take(chunk: Uint8Array, now: number): void {
    let at = 0;
    while (at < chunk.length) {
      this.#since ??= now;
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at);
        this.#left -= step;
        at += step;
      } else {
        this.#head.push(chunk[at] as number);
        at += 1;
        if (this.#head.length < headLength(this.#head)) continue;
        this.#begin();
      }
      if (this.#left === 0 && this.#head.length === 0 && !this.#isFragmented) this.#since = undefined;
    }
  }

  #begin(): void {
    const [first = 0, second = 0] = this.#head;
    const isControl = (first & 0x08) !== 0;
    if (!isControl) this.#isFragmented = (first & 0x80) === 0;
    this.#left = payloadLength(this.#head, second & 0x7f);
    this.#head = [];
  }
}

function headLength(head: readonly number[]): number {
  const second = head[1];
  if (second === undefined) return 2;
  const short = second & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((second & 0x80) === 0 ? 0 : 4);
}

function payloadLength(head: readonly number[], short: number): number {
  if (short < 126) return short;
  const digits = short === 126 ? 2 : 8;
  return head.slice(2, 2 + digits).reduce((sum, byte) => sum * 256 + byte, 0);
}

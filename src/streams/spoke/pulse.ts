/** The regular reports of one stream: metrics at 5 Hz, progress at 1 Hz, status every 10 s. The clock is given. */

const periods = { metrics: 200, second: 1000, status: 10_000 } as const;
export type Beat = keyof typeof periods;
const beats = Object.keys(periods) as Beat[];

export class Pulse {
  readonly #due: Record<Beat, number> = { metrics: 0, second: 0, status: 0 };

  /** Which reports are due; each is answered once per period, and a late look does not make it catch up. */
  take(nowMs: number): Beat[] {
    return beats.filter((beat) => {
      const due = this.#due[beat];
      if (nowMs < due) return false;
      const next = due + periods[beat];
      this.#due[beat] = next > nowMs ? next : nowMs + periods[beat];
      return true;
    });
  }

  /** The status was just sent for another reason; the next is due a period later, or after `waitMs`. */
  statusSent(nowMs: number, waitMs: number = periods.status): void {
    this.#due.status = nowMs + waitMs;
  }
}

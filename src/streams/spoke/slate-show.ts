/** The no-signal picture of one stream: an FFmpeg of its own that is there while it is wanted. */
import { type Fragment, type InitSegment, type MachineFacts, type Slate, slateArgs } from '../../media/index.js';
import type { StopLadder } from '../../supervisor/index.js';
import { type FfmpegRun, startFfmpeg } from './ffmpeg-run.js';

export interface SlateShowOptions {
  readonly facts: MachineFacts;
  readonly pidFolder?: string | undefined;
  onInit(init: InitSegment): void;
  onFragment(fragment: Fragment): void;
  /** It could not be shown, in words; it is tried again. */
  onTrouble(message: string): void;
}

/** There is nothing to finish in a slate. */
const ladder: StopLadder = [
  { signal: 'SIGTERM', waitMs: 500 },
  { signal: 'SIGKILL', waitMs: 5000 },
];

const firstRetryMs = 1000;
const longestRetryMs = 30_000;

export class SlateShow {
  readonly #options: SlateShowOptions;
  /** What is to be shown; undefined: nothing. A new object for each wish, so that an overtaken one can be told. */
  #wanted: { readonly slate: Slate } | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = firstRetryMs;
  readonly #processes = new Set<Promise<unknown>>();
  #current: FfmpegRun | undefined;

  constructor(options: SlateShowOptions) {
    this.#options = options;
  }

  get isWanted(): boolean {
    return this.#wanted !== undefined;
  }

  /** Shows this text from now on; a slate already shown gives way without a gap of its own. */
  show(slate: Slate): void {
    const before = this.#wanted?.slate;
    if (before !== undefined && before.text === slate.text && before.width === slate.width && before.height === slate.height) return;
    this.#wanted = { slate };
    this.#retryMs = firstRetryMs;
    this.#launch(this.#wanted);
  }

  hide(): void {
    this.#wanted = undefined;
    clearTimeout(this.#retry);
    const run = this.#current;
    this.#current = undefined;
    if (run !== undefined) this.#end(run);
  }

  /** Resolves when no process of it is left. */
  async gone(): Promise<void> {
    while (this.#processes.size > 0) await Promise.allSettled([...this.#processes]);
  }

  #launch(wish: { readonly slate: Slate }): void {
    clearTimeout(this.#retry);
    this.#track(this.#run(wish));
  }

  async #run(wish: { readonly slate: Slate }): Promise<void> {
    let init: InitSegment | undefined;
    let isFirst = true;
    const isCurrent = () => this.#wanted === wish;
    try {
      const run = await startFfmpeg({
        ffmpeg: this.#options.facts.ffmpeg,
        args: slateArgs(wish.slate, this.#options.facts),
        pidFolder: this.#options.pidFolder,
        ladder,
        onInit: (segment) => {
          init = segment;
        },
        onFragment: (fragment) => {
          if (!isCurrent() || init === undefined) return;
          if (isFirst) {
            if (!fragment.isKey) return;
            isFirst = false;
            this.#retryMs = firstRetryMs;
            this.#options.onInit(init);
          }
          this.#options.onFragment(fragment);
        },
        onLine: () => undefined,
        onGarbage: () => undefined,
      });
      if (!isCurrent()) {
        this.#end(run);
        return;
      }
      const before = this.#current;
      this.#current = run;
      if (before !== undefined) this.#end(before);
      const report = await run.exited;
      if (isCurrent()) this.#tryLater(wish, report.tail.at(-1) ?? 'FFmpeg ended');
    } catch (error) {
      if (isCurrent()) this.#tryLater(wish, error instanceof Error ? error.message : String(error));
    }
  }

  #tryLater(wish: { readonly slate: Slate }, why: string): void {
    this.#current = undefined;
    this.#options.onTrouble(`The no-signal picture could not be shown: ${why}`);
    this.#retry = setTimeout(() => this.#launch(wish), this.#retryMs);
    this.#retryMs = Math.min(longestRetryMs, this.#retryMs * 2);
  }

  #end(run: FfmpegRun): void {
    this.#track(run.stop('hidden', ladder));
  }

  #track(process: Promise<unknown>): void {
    const tracked: Promise<unknown> = process.catch(() => undefined).finally(() => this.#processes.delete(tracked));
    this.#processes.add(tracked);
  }
}

/** Puts entries into the list, in the order they are given, and tells of each. What the disk refuses now is tried again. */
import type { RecordingEntry } from '../../contracts/index.js';
import type { EntryDraft, EntryList, EntryPage } from './entry-list.js';

/** Entries that wait for a disk that takes none; of more, the oldest are given up. */
const mostWaiting = 1000;

export class Ledger {
  readonly #open: () => Promise<EntryList>;
  #opened: Promise<EntryList> | undefined;
  readonly #onEntry: (entry: RecordingEntry) => void;
  readonly #onProblem: (error: unknown) => void;
  #waiting: EntryDraft[] = [];
  #chain: Promise<unknown> = Promise.resolve();

  constructor(open: () => Promise<EntryList>, onEntry: (entry: RecordingEntry) => void, onProblem: (error: unknown) => void) {
    this.#open = open;
    this.#onEntry = onEntry;
    this.#onProblem = onProblem;
  }

  /** Does something that ends in entries, after everything that was given before. It must not fail. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#chain.then(work);
    this.#chain = done.catch(this.#onProblem);
    return done;
  }

  /** Within `run` only. Never fails. */
  async append(draft: EntryDraft): Promise<void> {
    const last = this.#waiting.at(-1);
    if (last?.kind === 'gap' && draft.kind === 'gap' && last.cause === draft.cause && last.to === draft.from) {
      this.#waiting[this.#waiting.length - 1] = { ...last, to: draft.to };
    } else {
      this.#waiting.push(draft);
      if (this.#waiting.length > mostWaiting) this.#waiting.shift();
    }
    await this.#write();
  }

  /** Tries again what the disk refused. */
  retry(): void {
    if (this.#waiting.length > 0) void this.run(() => this.#write());
  }

  read(after: number, limit: number): Promise<EntryPage> {
    return this.#list().then((list) => list.read(after, limit));
  }

  /** Within `run` only. */
  async hasSegment(filename: string): Promise<boolean> {
    const list = await this.#list();
    return (await list.findLately((entry) => entry.kind === 'segment' && entry.filename === filename)) !== undefined;
  }

  /** Within `run` only: the end of what is in the list, milliseconds since 1970; 0 when there is nothing. */
  async endMs(): Promise<number> {
    const list = await this.#list();
    const last = await list.findLately((entry) => entry.kind === 'segment' || entry.kind === 'gap');
    return last === undefined || !('to' in last) ? 0 : Date.parse(last.to);
  }

  #list(): Promise<EntryList> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      // The next one tries again: a list that cannot be read now must not begin anew.
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #write(): Promise<void> {
    for (let draft = this.#waiting[0]; draft !== undefined; draft = this.#waiting[0]) {
      try {
        const entry = await (await this.#list()).append(draft);
        this.#waiting.shift();
        this.#onEntry(entry);
      } catch (error) {
        this.#onProblem(error);
        return;
      }
    }
  }
}

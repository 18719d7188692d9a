/** What was recorded of one stream, and what is missing: one line for each segment and gap, in a file that only grows. */
import { open, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RecordingEntry } from '../../contracts/index.js';
import { flushInTurn } from './flush-gate.js';
import { syncFolder, withFolder } from './segment-file.js';

/** An entry before it has its number. */
export type EntryDraft = RecordingEntry extends infer Entry ? (Entry extends RecordingEntry ? Omit<Entry, 'sequence'> : never) : never;

export interface EntryPage {
  readonly entries: RecordingEntry[];
  readonly last: number;
  readonly more: boolean;
}

interface Line {
  readonly sequence: number;
  readonly offset: number;
  readonly bytes: number;
}

/** An answer is no longer than this, whatever its limit. */
const mostAnswerBytes = 4 * 1024 * 1024;

/** One writer. Calls take turns by themselves. */
export class EntryList {
  readonly #file: string;
  readonly #maxBytes: number;
  #lines: Line[] = [];
  #size = 0;
  #last = 0;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(file: string, maxBytes: number) {
    this.#file = file;
    this.#maxBytes = maxBytes;
  }

  /** Reads what is there and cuts off a last line that was torn. No file is an empty list; one that cannot be read fails. */
  static async open(file: string, maxBytes: number): Promise<EntryList> {
    const list = new EntryList(file, maxBytes);
    const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (bytes === undefined) return list;
    list.#read(bytes);
    if (list.#size < bytes.length) await truncate(file, list.#size);
    return list;
  }

  /** Number of the newest entry; 0: none yet. */
  get last(): number {
    return this.#last;
  }

  /** Gives it the next number; it is on the disk when this resolves. When it fails, nothing of it is there. */
  append(draft: EntryDraft): Promise<RecordingEntry> {
    return this.#inTurn(() => this.#append(draft));
  }

  /** Entries after a number, oldest first; at most `limit`, and at most 4 MiB of them (but always one). */
  read(after: number, limit: number): Promise<EntryPage> {
    return this.#inTurn(() => this.#readPage(after, limit));
  }

  /** The newest entry for which it holds, among the last 200. */
  async findLately(matches: (entry: RecordingEntry) => boolean): Promise<RecordingEntry | undefined> {
    const newest = 200;
    const { entries } = await this.read(Math.max(0, this.#last - newest), newest);
    return entries.reverse().find(matches);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #append(draft: EntryDraft): Promise<RecordingEntry> {
    const entry = { sequence: this.#last + 1, ...draft } as RecordingEntry;
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    const handle = await withFolder(this.#file, () => open(this.#file, 'a', 0o640));
    try {
      const { size } = await handle.stat();
      // Somebody took the file away: the numbers go on, what was in it is gone.
      if (size < this.#size) this.#forget();
      // What is beyond our lines was torn, and would spoil the next one.
      if (size > this.#size) await handle.truncate(this.#size);
      await handle.appendFile(line);
      await flushInTurn(() => handle.datasync());
      if (this.#size === 0) await syncFolder(dirname(this.#file));
    } finally {
      await handle.close();
    }
    this.#lines.push({ sequence: entry.sequence, offset: this.#size, bytes: line.length });
    this.#size += line.length;
    this.#last = entry.sequence;
    if (this.#size > this.#maxBytes) await this.#dropOldest();
    return entry;
  }

  async #readPage(after: number, limit: number): Promise<EntryPage> {
    const from = this.#lines.findIndex((line) => line.sequence > after);
    const first = this.#lines[from];
    if (first === undefined) return { entries: [], last: this.#last, more: false };
    let count = 0;
    let bytes = 0;
    for (const line of this.#lines.slice(from, from + limit)) {
      // A spoiled line between two is read along.
      const upTo = line.offset + line.bytes - first.offset;
      if (count > 0 && upTo > mostAnswerBytes) break;
      count += 1;
      bytes = upTo;
    }
    const handle = await open(this.#file, 'r');
    const text = Buffer.alloc(bytes);
    await handle.read(text, 0, bytes, first.offset).finally(() => handle.close());
    const entries = text
      .toString()
      .split('\n')
      .flatMap((line) => parseLine(line) ?? []);
    return { entries, last: this.#last, more: from + count < this.#lines.length };
  }

  #read(bytes: Buffer): void {
    this.#forget();
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(0x0a, at);
      const entry = end < 0 ? undefined : parseLine(bytes.toString('utf8', at, end));
      if (end < 0) break;
      const sequence = entry?.sequence ?? this.#last;
      // A line in the middle that a bad disk spoiled costs itself, not those behind it.
      if (entry === undefined && bytes.indexOf(0x0a, end + 1) < 0) break;
      if (entry !== undefined) this.#lines.push({ sequence, offset: at, bytes: end + 1 - at });
      this.#last = Math.max(this.#last, sequence);
      this.#size = end + 1;
      at = end + 1;
    }
  }

  #forget(): void {
    this.#lines = [];
    this.#size = 0;
  }

  /** Leaves the newer half, under the same numbers. */
  async #dropOldest(): Promise<void> {
    const kept = this.#lines.find((line) => line.offset >= this.#size / 2);
    if (kept === undefined) return;
    const bytes = (await readFile(this.#file)).subarray(kept.offset);
    const beside = `${this.#file}.tmp`;
    await writeFile(beside, bytes, { mode: 0o640, flush: true } as Parameters<typeof writeFile>[2]);
    await rename(beside, this.#file);
    await syncFolder(dirname(this.#file));
    this.#read(Buffer.from(bytes));
  }
}

function parseLine(line: string): RecordingEntry | undefined {
  try {
    const value = JSON.parse(line) as Partial<RecordingEntry>;
    return Number.isInteger(value.sequence) && typeof value.kind === 'string' ? (value as RecordingEntry) : undefined;
  } catch {
    return undefined;
  }
}

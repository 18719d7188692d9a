/**
 * SHA-256 of files that are still growing, in a thread of its own that reads behind the writer: what was just written is still in memory,
 * and neither requests nor the disk wait for the digest. After a restart it simply begins at the first byte again, while bytes come on.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';

/** A digest that follows a file. */
export interface FollowedHash {
  /** The file is good up to here; never less than before. */
  advance(to: number): void;
  /** The digest of the first `size` bytes, as hex. */
  finish(size: number): Promise<string>;
  /** Not wanted any more. */
  drop(): void;
}

export interface ContentHasher {
  follow(path: string): FollowedHash;
  /** Ends the thread; digests that are awaited fail with `cancelled`. */
  stop(): Promise<void>;
}

/** The thread is told of progress in steps of this size. */
const stepBytes = 4 * 1024 * 1024;
/** Without work for so long the thread ends and gives its memory back. */
const idleMs = 5000;

/** Text and not a file: the programs are bundled into one file each, and this needs nothing but Node. Files take turns, one step each. */
const program = `
const { parentPort } = require('node:worker_threads');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
const files = new Map();
let scheduled = false;
function close(id, file) {
  files.delete(id);
  if (file.fd !== undefined) fs.closeSync(file.fd);
}
function step(id, file) {
  if (file.at < file.goal) {
    if (file.fd === undefined) file.fd = fs.openSync(file.path, 'r');
    const bytes = fs.readSync(file.fd, buffer, 0, Math.min(buffer.length, file.goal - file.at), file.at);
    if (bytes === 0) throw new Error('the file is shorter than it was said to be');
    file.hash.update(buffer.subarray(0, bytes));
    file.at += bytes;
  }
  if (file.at < file.goal) return true;
  if (!file.finishing) return false;
  close(id, file);
  parentPort.postMessage({ id, sha256: file.hash.digest('hex') });
  return false;
}
function turn() {
  scheduled = false;
  let more = false;
  for (const [id, file] of files) {
    try {
      more = step(id, file) || more;
    } catch (error) {
      close(id, file);
      parentPort.postMessage({ id, error: String(error) });
    }
  }
  if (more) schedule();
}
function schedule() {
  if (scheduled) return;
  scheduled = true;
  setImmediate(turn);
}
parentPort.on('message', ({ id, path, to, finishing, drop }) => {
  let file = files.get(id);
  if (drop) {
    if (file !== undefined) close(id, file);
    return;
  }
  if (file === undefined) {
    file = { path, at: 0, goal: 0, hash: createHash('sha256'), finishing: false, fd: undefined };
    files.set(id, file);
  }
  file.goal = Math.max(file.goal, to);
  file.finishing = file.finishing || finishing === true;
  schedule();
});
`;

interface Entry {
  readonly path: string;
  told: number;
  resolve?: (sha256: string | undefined) => void;
}

/** Makes it; the thread starts with the first file. */
export function createContentHasher(): ContentHasher {
  return new ThreadHasher();
}

class ThreadHasher implements ContentHasher {
  readonly #entries = new Map<number, Entry>();
  readonly #stopping = new AbortController();
  #worker: Worker | undefined;
  #nextId = 1;
  #idle: NodeJS.Timeout | undefined;

  follow(path: string): FollowedHash {
    const id = this.#nextId++;
    const entry: Entry = { path, told: 0 };
    this.#entries.set(id, entry);
    clearTimeout(this.#idle);
    return {
      advance: (to) => {
        if (to - entry.told < stepBytes || !this.#entries.has(id)) return;
        entry.told = to;
        this.#tell({ id, path, to });
      },
      finish: (size) => this.#finish(id, entry, size),
      drop: () => {
        if (!this.#entries.has(id)) return;
        this.#forget(id);
        this.#worker?.postMessage({ id, drop: true });
      },
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#idle);
    await this.#worker?.terminate();
    this.#lost();
  }

  async #finish(id: number, entry: Entry, size: number): Promise<string> {
    this.#stopping.signal.throwIfAborted();
    const told = new Promise<string | undefined>((resolve) => {
      entry.resolve = resolve;
    });
    this.#tell({ id, path: entry.path, to: size, finishing: true });
    const sha256 = await told;
    // The thread is lost, or could not read: once more here, in the open.
    return sha256 ?? hashFile(entry.path, size, this.#stopping.signal);
  }

  #tell(message: object): void {
    this.#start().postMessage(message);
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(program, { eval: true, name: 'content-hash' });
    worker.unref();
    worker.on('message', ({ id, sha256 }: { id: number; sha256?: string }) => {
      const entry = this.#entries.get(id);
      this.#forget(id);
      entry?.resolve?.(sha256);
    });
    worker.on('error', () => this.#lost());
    worker.on('exit', () => {
      if (this.#worker === worker) this.#lost();
    });
    this.#worker = worker;
    return worker;
  }

  #lost(): void {
    this.#worker = undefined;
    for (const [id, entry] of [...this.#entries]) {
      // Whoever only followed begins anew in the next thread; whoever waits for the end is told.
      entry.told = 0;
      if (entry.resolve === undefined) continue;
      this.#entries.delete(id);
      entry.resolve(undefined);
    }
  }

  #forget(id: number): void {
    this.#entries.delete(id);
    if (this.#entries.size > 0 || this.#stopping.signal.aborted) return;
    this.#idle = setTimeout(() => {
      const worker = this.#worker;
      this.#worker = undefined;
      void worker?.terminate();
    }, idleMs);
    this.#idle.unref();
  }
}

/** Reads in pieces, so that others get their turn in between. */
async function hashFile(path: string, size: number, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(1024 * 1024);
    for (let at = 0; at < size; ) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at);
      if (bytesRead === 0) throw new Error('The file is shorter than it was said to be');
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** Files of mp4 and mkv as fragments, made when somebody plays them and kept for a while. */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WeirError } from '../../contracts/index.js';
import { type FragmentScan, runProgram, scanFragments } from '../../media/index.js';
import type { SegmentRecord } from '../../store/index.js';
import type { RecordingsParts } from './needs.js';
import type { RecordingFiles } from './recording-files.js';
import { openPlain } from './stored-file.js';
import { Turns } from './turns.js';

/** Kept on disk, at most; beyond, those that were not used for longest go. */
const maxKeptBytes = 4 * 1024 ** 3;
const remuxMs = 120_000;
const atOnce = 2;
const maxWaiting = 64;
const chunkBytes = 1024 * 1024;

/** Owns the remuxed files. The same file gives the same bytes each time, so places in it stay good after it was let go. */
export class Remuxes {
  readonly #parts: RecordingsParts;
  readonly #files: RecordingFiles;
  readonly #ffmpeg: string | undefined;
  readonly #turns = new Turns(atOnce, maxWaiting);
  readonly #kept = new Map<string, number>();
  readonly #making = new Map<string, Promise<string>>();

  constructor(parts: RecordingsParts, files: RecordingFiles, ffmpeg: string | undefined) {
    this.#parts = parts;
    this.#files = files;
    this.#ffmpeg = ffmpeg;
  }

  get #folder(): string {
    return join(this.#parts.folders.cache, 'playback');
  }

  /** What a run before has left is not counted, so it goes. */
  async start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#folder)) await rm(join(this.#folder, name), { force: true });
  }

  /** Path of the file as fragments. Throws `unavailable` without FFmpeg, or when it fails. */
  async path(segment: SegmentRecord): Promise<string> {
    const { filename } = segment;
    const size = this.#kept.get(filename);
    if (size !== undefined) {
      this.#kept.delete(filename);
      this.#kept.set(filename, size);
      return this.#pathOf(filename);
    }
    const making = this.#making.get(filename) ?? this.#make(segment).finally(() => this.#making.delete(filename));
    this.#making.set(filename, making);
    return making;
  }

  /** Where its keyframes are, and how long its init segment is; also written into the index. */
  async scan(segment: SegmentRecord): Promise<FragmentScan> {
    const scan = await scanFragments(chunksOf(await this.path(segment)));
    await this.#parts.store.recordings.setKeyframes(segment.filename, scan.initBytes, scan.keyframes);
    return scan;
  }

  async #make(segment: SegmentRecord): Promise<string> {
    const ffmpeg = this.#ffmpeg;
    if (ffmpeg === undefined)
      throw new WeirError('unavailable', 'This hub has no FFmpeg to play mp4 and mkv with', { facts: { dependency: 'ffmpeg' } });
    const source = await this.#files.pathOf(segment);
    const target = this.#pathOf(segment.filename);
    await this.#turns.take(this.#parts.signal, async () => {
      const beside = `${target}.tmp`;
      // Without -xerror FFmpeg may say that all is well when a full disk took everything but the end.
      const head = ['-hide_banner', '-nostdin', '-v', 'error', '-xerror', '-protocol_whitelist', 'file'];
      const args = [...head, '-i', `file:${source}`, '-map', '0', '-c', 'copy'];
      const movflags = '+frag_keyframe+empty_moov+default_base_moof';
      const output = ['-fflags', '+bitexact', '-movflags', movflags, '-f', 'mp4', '-y', `file:${beside}`];
      const result = await runProgram(ffmpeg, [...args, ...output], { timeoutMs: remuxMs, signal: this.#parts.signal });
      if (result.code !== 0) {
        await rm(beside, { force: true });
        throw new WeirError('unavailable', `${segment.filename} could not be made playable`, { cause: new Error(result.stderr.slice(-1000)) });
      }
      await rename(beside, target);
    });
    this.#kept.set(segment.filename, (await stat(target)).size);
    await this.#letGo(segment.filename);
    return target;
  }

  async #letGo(except: string): Promise<void> {
    let bytes = [...this.#kept.values()].reduce((sum, size) => sum + size, 0);
    for (const [filename, size] of [...this.#kept]) {
      if (bytes <= maxKeptBytes) return;
      if (filename === except) continue;
      this.#kept.delete(filename);
      bytes -= size;
      await rm(this.#pathOf(filename), { force: true });
    }
  }

  #pathOf(filename: string): string {
    return join(this.#folder, `${filename}.mp4`);
  }
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await openPlain(path);
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(chunkBytes);
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

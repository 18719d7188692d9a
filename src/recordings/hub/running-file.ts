/** The file that is being written, read up to its last whole group of pictures. Its bytes keep their places when it is finished. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isToken } from '../../contracts/index.js';
import { createFragmentCutter, type FragmentCutter, type TrackFacts } from '../../media/index.js';
import type { Keyframe } from '../../store/index.js';
import { openPlain, pathBelow } from './stored-file.js';

const chunkBytes = 1024 * 1024;
/** Files that were looked at last, at most. */
const maxKept = 32;

interface Reading {
  readonly cutter: FragmentCutter;
  readonly keyframes: [number, number][];
  facts: TrackFacts | undefined;
  initBytes: number;
  /** Bytes read from the file. */
  offset: number;
  wholeBytes: number;
  firstMs: number | undefined;
  endMs: number;
  turn: Promise<void>;
}

/** What is whole of a running file. */
export interface RunningFile {
  readonly path: string;
  readonly filename: string;
  /** Wall clock of the first picture, milliseconds since 1970. */
  readonly startedMs: number;
  readonly initBytes: number;
  readonly facts: TrackFacts;
  /** The last one only ends what is whole. */
  readonly keyframes: readonly Keyframe[];
  /** Up to the last keyframe. */
  readonly durationMs: number;
  readonly sizeBytes: number;
}

const noteSchema = z.object({ parts: z.array(z.object({ filename: z.string(), folder: z.string(), from_ms: z.number() })) });

/** Owns what was read of running files, so that each look reads only what is new. */
export class RunningFiles {
  readonly #folder: string;
  readonly #readings = new Map<string, Reading>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined when its spoke writes no such file on this disk, or nothing of it is whole yet. */
  async look(streamId: string, spokeId: string, filename: string): Promise<RunningFile | undefined> {
    const part = await this.#find(streamId, spokeId, filename);
    if (part === undefined) return undefined;
    const { path } = part;
    const reading = this.#readings.get(path) ?? openReading();
    this.#readings.delete(path);
    this.#readings.set(path, reading);
    const oldest = this.#readings.keys().next().value;
    if (this.#readings.size > maxKept && oldest !== undefined) this.#readings.delete(oldest);
    const turn = reading.turn.then(() => readOn(path, reading));
    reading.turn = turn.catch(() => undefined);
    try {
      await turn;
    } catch {
      // Finished, given up, or not ours to read: whoever asks looks into the index next.
      this.#readings.delete(path);
      return undefined;
    }
    const last = reading.keyframes.at(-1);
    if (reading.facts === undefined || last === undefined || reading.keyframes.length < 2) return undefined;
    return {
      path,
      filename,
      startedMs: part.startedMs,
      initBytes: reading.initBytes,
      facts: reading.facts,
      keyframes: reading.keyframes.slice(0, -1),
      durationMs: last[0],
      sizeBytes: last[1],
    };
  }

  /** The note that a spoke keeps beside its list tells which files it is writing. */
  async #find(streamId: string, spokeId: string, filename: string): Promise<{ path: string; startedMs: number } | undefined> {
    if (!isToken(streamId) || !isToken(spokeId)) return undefined;
    try {
      const text = await readFile(join(this.#folder, streamId, `open.${spokeId}.json`), 'utf8');
      const part = noteSchema.parse(JSON.parse(text)).parts.find((one) => one.filename === filename);
      if (part === undefined) return undefined;
      return { path: await pathBelow(this.#folder, `${part.folder}/${filename}.mp4.part`), startedMs: part.from_ms };
    } catch {
      // Not written yet, just being replaced, or on another disk.
      return undefined;
    }
  }
}

function openReading(): Reading {
  const reading: Reading = {
    cutter: createFragmentCutter({
      onInit: (init) => {
        reading.facts ??= init.facts;
        reading.initBytes ||= init.bytes.length;
        reading.wholeBytes += init.bytes.length;
      },
      onFragment: (fragment) => {
        if (fragment.hasVideo || reading.facts?.video === undefined) {
          reading.firstMs ??= fragment.timeMs;
          if (fragment.isKey) reading.keyframes.push([Math.round(fragment.timeMs - reading.firstMs), reading.wholeBytes]);
          reading.endMs = Math.max(reading.endMs, fragment.timeMs + fragment.durationMs);
        }
        reading.wholeBytes += fragment.bytes.length;
      },
    }),
    keyframes: [],
    facts: undefined,
    initBytes: 0,
    offset: 0,
    wholeBytes: 0,
    firstMs: undefined,
    endMs: 0,
    turn: Promise.resolve(),
  };
  return reading;
}

async function readOn(path: string, reading: Reading): Promise<void> {
  const file = await openPlain(path);
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(chunkBytes);
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, reading.offset);
      if (bytesRead === 0) return;
      reading.offset += bytesRead;
      reading.cutter.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

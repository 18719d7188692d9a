/** What the encoders of this machine can do, remembered: to try them takes seconds, and much longer on a crowded machine. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findProgram, writeFileAtomic } from '../../supervisor/index.js';
import { runProgram } from '../ffmpeg/run-program.js';
import { ladderEncoders } from './ladder-encoders.js';
import { type EncodingMachine, type FindEncodingOptions, findEncodingMachine } from './machine.js';

export interface RememberOptions extends FindEncodingOptions {
  /** Where the results are kept. One that cannot be read is not there, and whether it can be written does not matter. Absent: nothing is kept. */
  readonly noteFile?: string | undefined;
  /** Try them whatever is remembered. Default false. */
  readonly again?: boolean;
}

/** Libraries behind FFmpeg may change unseen; after so long they are tried again. */
const keptMs = 7 * 86_400_000;
const versionTimeoutMs = 10_000;

interface Note {
  /** What the results depend on. */
  readonly of: string;
  readonly atMs: number;
  readonly machine: Omit<EncodingMachine, 'filters'> & { readonly filters: readonly string[] };
}

/**
 * As `findEncodingMachine`, which it asks when FFmpeg (its version, or the file itself), the devices, or what is tried have changed since,
 * or the results are a week old. A trial that ran out of time says nothing about the encoder, and is not remembered.
 */
export async function findRememberedMachine(options: RememberOptions): Promise<EncodingMachine> {
  const { noteFile, again = false, ...find } = options;
  if (noteFile === undefined) return await findEncodingMachine(find);
  const of = await describeMachine(find);
  const known = again || of === undefined ? undefined : readNote(noteFile, of);
  if (known !== undefined) return known;
  const machine = await findEncodingMachine(find);
  if (of !== undefined && machine.encoders.every(({ timedOut }) => timedOut !== true)) await writeNote(noteFile, of, machine);
  return machine;
}

/** Undefined when a program is not there or does not run: the trial says so in its words. */
async function describeMachine({ ffmpeg, ffprobe, hardware = true, signal }: FindEncodingOptions): Promise<string | undefined> {
  try {
    const run = await runProgram(ffmpeg, ['-hide_banner', '-version'], { timeoutMs: versionTimeoutMs, signal });
    if (run.code !== 0) return undefined;
    const programs = [ffmpeg, ffprobe].map((name) => {
      const path = findProgram(name);
      const { mtimeMs, size } = statSync(path);
      return [path, mtimeMs, size];
    });
    return JSON.stringify({ version: run.stdout.toString(), programs, hardware, devices: hardware ? devices() : [], tried: ladderEncoders });
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

/** Names of whatever may encode. */
function devices(): string[] {
  const cards = list('/dev').filter((name) => /^(?:nvidia|dxg)/.test(name));
  return [...list('/dev/dri'), ...cards].sort();
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readNote(file: string, of: string): EncodingMachine | undefined {
  try {
    const note = JSON.parse(readFileSync(file, 'utf8')) as Note;
    const age = Date.now() - note.atMs;
    if (note.of !== of || !(age >= 0 && age < keptMs)) return undefined;
    // What is undefined was not written.
    const encoders = note.machine.encoders.map((report) => ({ ...report, reason: report.reason }));
    return { ...note.machine, encoders, renderNode: note.machine.renderNode, filters: new Set(note.machine.filters) };
  } catch {
    return undefined;
  }
}

async function writeNote(file: string, of: string, machine: EncodingMachine): Promise<void> {
  const note: Note = { of, atMs: Date.now(), machine: { ...machine, filters: [...machine.filters] } };
  try {
    await mkdir(dirname(file), { recursive: true });
    writeFileAtomic(file, `${JSON.stringify(note)}\n`);
  } catch {
    // The next start tries them once more.
  }
}

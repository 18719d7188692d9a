/** A program that passes for FFmpeg and misbehaves as a scenario says. */
import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What a run does; everything left out is the healthy way. Read anew by each run. */
export interface FakeScenario {
  /** Only runs whose arguments contain this text behave so; others are healthy. Default: all. */
  match?: string;
  /** Before the first byte; default 0. */
  startDelayMs?: number;
  /** Fragments per second; default 30. */
  frameRate?: number;
  /** Fragments delivered before `end` happens; default: never. 0 means not even the init segment. */
  fragments?: number;
  /** `freeze`: stays alive, silent. `exit`: leaves with `exitCode`. `crash`: SIGSEGV. `garbage`: bytes that are no MP4. Default `exit`. */
  end?: 'freeze' | 'exit' | 'crash' | 'garbage';
  /** Default 1. */
  exitCode?: number;
  /** Signals that do not end it. */
  ignoreSignals?: ('SIGINT' | 'SIGTERM')[];
  /** Written to stderr at once. */
  stderr?: string;
  /** Lines of 200 characters per second to stderr. */
  floodLinesPerSecond?: number;
  /** No reports on descriptor 3. */
  noProgress?: boolean;
}

export interface FakeFfmpeg {
  /** Give it as the path of FFmpeg. */
  readonly path: string;
  /** The file it replays: an init segment and 30 fragments, one per frame. */
  readonly sample: string;
  /** For every run that starts from now on. */
  play(scenario: FakeScenario): Promise<void>;
}

/** Makes the program in `folder`. Needs the real FFmpeg once, for a second of picture to replay. */
export async function makeFakeFfmpeg(folder: string, options: { ffmpeg?: string; width?: number; height?: number } = {}): Promise<FakeFfmpeg> {
  const sample = join(folder, 'sample.mp4');
  const scenarioFile = join(folder, 'scenario.json');
  const path = join(folder, 'fake-ffmpeg');
  const { width = 320, height = 180 } = options;
  // biome-ignore format: pairs of option and value
  await promisify(execFile)(options.ffmpeg ?? 'ffmpeg', [
    '-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=30:duration=1`,
    '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '30',
    '-f', 'mp4', '-movflags', 'empty_moov+default_base_moof+frag_every_frame', '-y', sample,
  ]);
  const program = fileURLToPath(new URL('./fake-ffmpeg-program.js', import.meta.url));
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  await writeFile(path, `#!/bin/sh\nexec ${[process.execPath, program, sample, scenarioFile].map(quote).join(' ')} "$@"\n`);
  await chmod(path, 0o755);
  const play = (scenario: FakeScenario) => writeFile(scenarioFile, JSON.stringify(scenario));
  await play({});
  return { path, sample, play };
}

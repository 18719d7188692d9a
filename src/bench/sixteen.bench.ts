/**
 * 16 test pictures at once, against 16 bare FFmpegs with the same arguments in the same run: what hub, broker and spoke cost per stream, and what
 * being run by Weir costs the encode itself. Bare ones write to a pipe that is read and thrown away, or to nowhere.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stream } from '../contracts/index.js';
import { atMost, median, printFigures, told } from './figures.js';
import { cpuSeconds, memoryOf, partNames, partsOf, startCpu } from './processes.js';
import { startShipped } from './shipped.js';

const [streams, frameRate, rounds, settleMs, measureMs] = [16, 15, 2, 5000, 20_000];
const ids = Array.from({ length: streams }, (_, index) => `many${index}`);

await using weir = await startShipped({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
const pids = partsOf(weir);
for (const id of ids) {
  const config = { device: 'test:', resolution: '320x180', framerate: frameRate };
  await weir.api('POST', '/api/v1/streams', { stream_id: id, desired: 'stopped', config });
}

interface Run {
  /** Processor time of the encoders for one frame, milliseconds. */
  readonly msPerFrame: number;
  readonly fps: number;
  readonly parts: number[];
  readonly dropped: number;
}

/** FFmpeg counts its frames on its progress descriptor only: bare ones are held by their own clock, which runs in real time. */
let commands: string[][] = [];

async function inWeir(): Promise<Run> {
  for (const id of ids) await weir.api('POST', `/api/v1/streams/${id}/start`);
  for (const id of ids) await weir.streamWhen(id, (stream) => stream.status?.state === 'running', 'runs', 60_000);
  await delay(settleMs);
  const read = () => Promise.all(ids.map((id) => weir.stream(id)));
  const before = await read();
  const encoders = before.map((stream) => stream.status?.pid ?? 0);
  commands = encoders.map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1));
  const [cpu, loads] = [cpuSeconds(encoders), partNames.map((part) => startCpu([pids[part]]))];
  await delay(measureMs);
  const after = await read();
  const spent = cpuSeconds(encoders) - cpu;
  const parts = loads.map((load) => load());
  const frames = framesOf(after) - framesOf(before);
  const seconds = (timeOf(after) - timeOf(before)) / 1000;
  const dropped = after.reduce((sum, stream) => sum + (stream.progress?.dropped_frames ?? 0), 0);
  for (const id of ids) await weir.api('POST', `/api/v1/streams/${id}/stop`);
  for (const id of ids) await weir.streamWhen(id, (stream) => stream.status?.state === 'stopped', 'stopped', 30_000);
  return { msPerFrame: (spent * 1000) / ((frames * measureMs) / 1000 / seconds), fps: frames / seconds / streams, parts, dropped };
}

const framesOf = (all: readonly Stream[]) => all.reduce((sum, stream) => sum + (stream.progress?.frame ?? 0), 0);
/** Mean time of the reports, because each stream reports at its own moment. */
const timeOf = (all: readonly Stream[]) => all.reduce((sum, stream) => sum + Date.parse(stream.progress?.timestamp ?? ''), 0) / all.length;

async function bare(stdout: 'pipe' | 'ignore'): Promise<Run> {
  const children: ChildProcess[] = [];
  const frames = new Map<ChildProcess, number>();
  try {
    for (const [program = 'ffmpeg', ...args] of commands) {
      const child = spawn(program, args, { stdio: ['ignore', stdout, 'ignore', 'pipe'] });
      child.stdout?.resume();
      child.stdio[3]?.on('data', (chunk: Buffer) => {
        const frame = /.*^frame=\s*(\d+)/ms.exec(chunk.toString())?.[1];
        if (frame !== undefined) frames.set(child, Number(frame));
      });
      children.push(child);
      await once(child, 'spawn');
    }
    await delay(settleMs);
    const encoders = children.map((child) => child.pid ?? 0);
    const count = () => [...frames.values()].reduce((sum, frame) => sum + frame, 0);
    const [cpu, first] = [cpuSeconds(encoders), count()];
    await delay(measureMs);
    const made = count() - first;
    return { msPerFrame: ((cpuSeconds(encoders) - cpu) * 1000) / made, fps: made / (measureMs / 1000) / streams, parts: [], dropped: 0 };
  } finally {
    const ends = children.filter((child) => child.exitCode === null).map((child) => once(child, 'exit'));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(ends);
  }
}

const [own, alone, nowhere]: [Run[], Run[], Run[]] = [[], [], []];
for (let round = 0; round < rounds; round += 1) {
  own.push(await inWeir());
  alone.push(await bare('pipe'));
  nowhere.push(await bare('ignore'));
}

const of = (runs: Run[], value: (run: Run) => number) => median(runs.map(value));
const encode = (runs: Run[]) => of(runs, ({ msPerFrame }) => msPerFrame);
const part = (index: number) => of(own, ({ parts }) => (parts[index] ?? Number.NaN) / streams);
printFigures([
  told(
    'frames per second of each stream in Weir (15 wanted)',
    of(own, ({ fps }) => fps),
    '',
    2,
  ),
  told(
    'frames per second of each bare FFmpeg',
    of(alone, ({ fps }) => fps),
    '',
    2,
  ),
  atMost(
    'frames dropped, all streams and rounds',
    own.reduce((sum, { dropped }) => sum + dropped, 0),
    0,
    '',
  ),
  told('encoder time per frame in Weir', encode(own), 'ms', 3),
  told('encoder time per frame, bare into a pipe', encode(alone), 'ms', 3),
  told('encoder time per frame, bare to nowhere', encode(nowhere), 'ms', 3),
  atMost('in Weir to bare into a pipe', encode(own) / encode(alone), 1.03, 'x', 3),
  told('in Weir to bare to nowhere', encode(own) / encode(nowhere), 'x', 3),
  ...partNames.map((name, index) => told(`${name}, per stream`, part(index), '% of a core', 2)),
  told('hub, broker and spoke, per stream', part(0) + part(1) + part(2), '% of a core', 2),
  ...partNames.map((name) => told(`${name}, RSS after`, memoryOf(pids[name]).rssMb, 'MB', 1)),
]);

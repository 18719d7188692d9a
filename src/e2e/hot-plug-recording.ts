/** Inside the machine with cameras: a camera is unplugged while it is recorded, and plugged in again at another node. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RecordingEntry, RecordingOrder, RecordingStatus } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';

const run = promisify(execFile);

export interface RecordingPlace {
  /** Folder of the recordings. */
  readonly folder: string;
  /** Newest status of the recording. */
  readonly status: () => RecordingStatus | undefined;
  /** Has camera0 read from this node, with these orders. */
  readonly assign: (node: number, recordings: readonly RecordingOrder[]) => Promise<void>;
  readonly entries: () => Promise<RecordingEntry[]>;
  readonly unplug: (node: number) => Promise<void>;
  readonly plug: (node: number) => Promise<void>;
  readonly deadlineMs: number;
}

/** What a file holds, by decoding it. */
export interface DecodedFile {
  readonly frames: number;
  /** Longest time between two pictures, seconds. */
  readonly longestStepS: number;
}

export interface UnpluggedRecording {
  readonly entries: readonly RecordingEntry[];
  readonly files: readonly DecodedFile[];
  readonly waiting: RecordingStatus;
  /** Wall clock, milliseconds. */
  readonly unpluggedAtMs: number;
  readonly pluggedAtMs: number;
}

/** Records the camera at `from`, takes it out, brings it back at `to`, and stops. */
export async function recordOverUnplug(place: RecordingPlace, from: number, to: number): Promise<UnpluggedRecording> {
  const { deadlineMs, status } = place;
  const until = (what: string, isSo: (now: RecordingStatus) => boolean) =>
    waitFor(() => [status()].find((now) => now !== undefined && isSo(now)), { what: `the recording ${what}`, deadlineMs }).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(status())}`);
    });
  const begin = new Date().toISOString();
  const order: RecordingOrder = {
    ...{ recording_id: 'r1', origin: 'manual', format: 'fmp4', from: begin, until: null },
    ...{ segment_s: 600, segment_bytes: 2 ** 30, pre_roll_s: 0 },
  };
  await place.assign(from, [order]);
  await until('runs', (now) => now.state === 'recording' && now.elapsed_s > 2);
  const unpluggedAtMs = Date.now();
  // The driver's own button: every call fails from now on, as when the cable is out. The node goes once nobody holds it.
  await run('v4l2-ctl', ['-d', `/dev/video${from}`, '--set-ctrl', 'disconnect=1']).catch(() => undefined);
  const waiting = await until('waits', (now) => now.state === 'waiting');
  await place.unplug(from);
  const { elapsed_s } = waiting;
  const pluggedAtMs = Date.now();
  await place.plug(to);
  await place.assign(to, [order]);
  await until('goes on', (now) => now.state === 'recording' && now.elapsed_s > elapsed_s + 2);
  await place.assign(to, []);
  const entries = await waitFor(
    async () => {
      const all = await place.entries();
      return all.some((entry) => entry.kind === 'ended') ? all : undefined;
    },
    { what: 'the end of the recording', deadlineMs },
  );
  const segments = entries.filter((entry) => entry.kind === 'segment');
  const files = await Promise.all(segments.map((segment) => decode(join(place.folder, segment.path))));
  return { entries, files, waiting, unpluggedAtMs, pluggedAtMs };
}

async function decode(file: string): Promise<DecodedFile> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', file]);
  const times = stdout
    .split('\n')
    .map((line) => Number.parseFloat(line))
    .filter((time) => !Number.isNaN(time));
  return { frames: times.length, longestStepS: Math.max(0, ...times.slice(1).map((time, at) => time - (times[at] ?? time))) };
}

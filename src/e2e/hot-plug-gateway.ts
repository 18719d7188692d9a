/** Inside the machine with cameras: the gateway opens a camera when a reader comes, and whoever else wants it reads it from there. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openFixture, play } from '../gateways/testing/fixture.js';
import { makeFakeMediaMtx } from '../testkit/fake-mediamtx.js';
import { runTool } from '../testkit/ffmpeg-capture.js';
import { waitFor } from '../testkit/index.js';

export interface CapturedPlace {
  readonly node: number;
  readonly folder: string;
  readonly deadlineMs: number;
}

export interface CapturedCamera {
  /** Programs that have the device open: before a reader, with one, with one and Weir itself, after the last. */
  readonly holders: readonly (readonly string[])[];
  /** What a player sees of the picture. */
  readonly picture: Readonly<Record<string, unknown>>;
  /** Pictures that the reader and Weir itself got beside each other. */
  readonly framesBeside: readonly number[];
}

/** With the program that passes for MediaMTX, and the capture command as it is by default. */
export async function readThroughGateway({ node, folder, deadlineMs }: CapturedPlace): Promise<CapturedCamera> {
  const { path } = await makeFakeMediaMtx(join(folder, 'program'));
  const slow = { start_timeout_s: deadlineMs / 1000, request_timeout_s: 30, close_after_s: 2 };
  await using world = await openFixture({ kind: 'mediamtx', binary: path, command: undefined as never, ...slow });
  const { gateway } = world;
  await waitFor(() => gateway.state().state === 'running', { what: 'the gateway runs', deadlineMs });
  await gateway.ensurePath({
    streamId: 'camera0',
    source: { kind: 'v4l2', devicePath: `/dev/video${node}`, width: 320, height: 180, frameRate: 5 },
  });
  const device = `/dev/video${node}`;
  const holders = [holdersOf(device)];
  const url = world.rtsp('camera0', `any:${world.viewerToken}`);
  const player = play(url);
  let framesBeside: number[] = [];
  try {
    await waitFor(() => player.frames > 5, { what: 'a picture of the gateway', deadlineMs });
    holders.push(holdersOf(device));
    const entries = ['-v', 'error', '-rtsp_transport', 'tcp', '-show_entries', 'stream=codec_name,profile,level,pix_fmt,width,height', '-of', 'json'];
    const { streams } = JSON.parse(String(await runTool('ffprobe', [...entries, url]))) as { streams: Record<string, unknown>[] };
    // As a spoke does, with what the stream of the camera is told to read from.
    const own = play(gateway.sourceOf('camera0') ?? '');
    try {
      await waitFor(() => own.frames > 5, { what: 'a picture for Weir itself', deadlineMs });
      const before = [player.frames, own.frames];
      const beside = () => [player.frames - (before[0] ?? 0), own.frames - (before[1] ?? 0)];
      await waitFor(() => beside().every((frames) => frames > 5), { what: 'pictures for both', deadlineMs });
      holders.push(holdersOf(device));
      framesBeside = beside();
    } finally {
      await own.stop();
    }
    await player.stop();
    await waitFor(() => holdersOf(device).length === 0, { what: 'the camera is let go after its last reader', deadlineMs });
    holders.push(holdersOf(device));
    return { holders, picture: streams[0] ?? {}, framesBeside };
  } finally {
    await player.stop();
  }
}

/** Command lines of the processes that have a file open. */
export function holdersOf(path: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const isHolder = readdirSync(`/proc/${pid}/fd`).some((fd) => readlink(`/proc/${pid}/fd/${fd}`) === path);
      return isHolder ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

function readlink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

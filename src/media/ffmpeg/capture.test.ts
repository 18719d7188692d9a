import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { StreamConfig } from '../../contracts/stream.js';
import { asFiniteRun, type Capture, runTool, startCapture } from '../../testkit/ffmpeg-capture.js';
import { assertWithin, makeTempFolder, removeFolder, waitFor } from '../../testkit/index.js';
import { type RtspServer, startRtspServer } from '../../testkit/rtsp-server.js';
import { readFrameCounter } from '../frame-counter.js';
import { captureArgs } from './capture-args.js';
import { findMachineFacts } from './encoders.js';
import type { MachineFacts } from './facts.js';
import { classifyFailure, parsePushEvent } from './failure.js';
import { planCapture } from './plan.js';
import { probeSource } from './probe.js';
import { slateArgs } from './slate-args.js';
import { snapshotArgs } from './snapshot-args.js';
import { parseSource } from './source.js';

let facts: MachineFacts;
let folder = '';
before(async () => {
  facts = await findMachineFacts({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false });
  folder = await makeTempFolder('capture');
});
after(() => removeFolder(folder));

const sourceOf = (device: string) => parseSource(device, { mediaFolders: [folder] });

async function argsFor(device: string, config: StreamConfig = {}, isProbed = false): Promise<string[]> {
  const source = sourceOf(device);
  const probe = isProbed ? (await probeSource(source, { facts })).probe : undefined;
  return captureArgs(planCapture({ device, ...config }, source, probe, facts), facts);
}

async function withCapture(args: readonly string[], body: (capture: Capture) => Promise<void>): Promise<void> {
  const capture = startCapture(args);
  try {
    await body(capture);
  } finally {
    await capture.stop();
  }
}

function assertSteady(capture: Capture): void {
  const video = capture.fragments.filter((fragment) => fragment.hasVideo);
  for (const [index, fragment] of video.entries()) {
    const previous = video[index - 1];
    if (previous !== undefined) assert.ok(fragment.timeMs > previous.timeMs, `time goes back at ${index}: ${fragment.timeMs}`);
    assert.ok(fragment.durationMs > 0 && fragment.durationMs < 400, `duration at ${index}: ${fragment.durationMs}`);
  }
}

const pushStates = (capture: Capture) => capture.lines().map((line) => parsePushEvent(line)?.state);

/** The picture of a key fragment as gray pixels. */
async function decode(capture: Capture, index: number, width: number, height: number): Promise<Uint8Array> {
  const mp4 = Buffer.concat([capture.inits[0]?.bytes ?? Buffer.alloc(0), capture.fragments[index]?.bytes ?? Buffer.alloc(0)]);
  const args = ['-v', 'error', '-i', '-', '-frames:v', '1', '-vf', `scale=${width}:${height}`, '-pix_fmt', 'gray', '-f', 'rawvideo', '-'];
  return await runTool('ffmpeg', args, mp4);
}

describe('the test picture', () => {
  test('comes at once, in real time, with progress and a readable counter', async () => {
    await withCapture(await argsFor('test:?audio=1'), async (capture) => {
      await capture.haveFragments(80);
      assert.equal(capture.inits.length, 1);
      assert.match(capture.inits[0]?.facts.codecs ?? '', /^avc1\.[0-9a-f]{6},mp4a\.40\.2$/);
      assert.deepEqual([capture.inits[0]?.facts.video?.width, capture.inits[0]?.facts.video?.height], [1280, 720]);
      assertSteady(capture);
      const key = capture.fragments.findLastIndex((fragment) => fragment.isKey);
      const number = readFrameCounter(await decode(capture, key, 1280, 720), 1280, 720);
      assert.equal(number, Math.round((((capture.fragments[key]?.timeMs ?? 0) - 500) * 30) / 1000));
      const report = capture.reports.at(-1);
      assert.ok(report !== undefined && report.frame > 20 && report.totalSizeBytes > 10_000, JSON.stringify(report));
      assert.ok(capture.reports.length >= 5, `${capture.reports.length} reports`);
      assert.deepEqual(capture.lines(), []);
    });
  });

  test('a still can be made of a key fragment', async () => {
    await withCapture(await argsFor('test:?size=640x360'), async (capture) => {
      await capture.haveFragments(1);
      const mp4 = Buffer.concat([capture.inits[0]?.bytes ?? Buffer.alloc(0), capture.fragments[0]?.bytes ?? Buffer.alloc(0)]);
      const jpg = await runTool('ffmpeg', snapshotArgs({ format: 'jpg', width: 320 }), mp4);
      const png = await runTool('ffmpeg', snapshotArgs({ format: 'png', width: 5000 }), mp4);
      const size = async (bytes: Buffer) =>
        (await runTool('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0', '-'], bytes))
          .toString()
          .trim();
      assert.equal(await size(jpg), 'mjpeg,320,180');
      assert.equal(await size(png), 'png,640,360');
    });
  });
});

test('the slate has the form of the picture it stands for', async () => {
  const slate = { title: "Door: it's", text: 'No answer from the camera', since: new Date(), width: 640, height: 480, hasAudio: true };
  await withCapture(slateArgs(slate, facts), async (capture) => {
    await capture.haveFragments(40);
    const video = capture.inits[0]?.facts.video;
    assert.deepEqual([video?.width, video?.height, capture.inits[0]?.facts.audio?.codec], [640, 480, 'aac']);
    assert.equal(capture.fragments.find((fragment) => fragment.hasVideo)?.isKey, true);
    assertSteady(capture);
    assert.deepEqual(capture.lines(), []);
  });
});

describe('a push', () => {
  test('to a target that refuses costs the picture nothing, and is seen to recover', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    holder.close();
    const url = `rtmp://127.0.0.1:${port}/live/x`;
    await withCapture(await argsFor('test:?size=640x360', { output_url: url }), async (capture) => {
      await waitFor(() => pushStates(capture).includes('failed'), { what: 'word of the failed push' });
      const before = capture.fragments.length;
      await capture.haveFragments(before + 30);
      const target = startCapture([
        '-nostdin',
        '-v',
        'error',
        '-listen',
        '1',
        '-i',
        url,
        '-c',
        'copy',
        '-f',
        'mp4',
        '-movflags',
        '+empty_moov+frag_keyframe',
        'pipe:1',
      ]);
      try {
        await waitFor(() => pushStates(capture).includes('recovered'), { what: 'word of the recovered push', deadlineMs: 8000 });
        await target.haveFragments(2);
        assert.equal(target.fragments[0]?.isKey, true);
      } finally {
        await target.stop();
      }
      assertSteady(capture);
      assert.equal(capture.exit(), undefined);
    });
  });

  test('to a target that accepts and then says nothing costs the picture nothing', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    try {
      await withCapture(await argsFor('test:?size=640x360&audio=1', { output_url: `rtmp://127.0.0.1:${port}/live/x` }), async (capture) => {
        await capture.haveFragments(150);
        const arrivals = capture.fragments.map((fragment) => fragment.atMs);
        const gaps = arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? at));
        assert.ok(Math.max(...gaps) < 1000, `longest gap ${Math.max(...gaps)} ms`);
        assertSteady(capture);
      });
    } finally {
      silent.close();
    }
  });
});

describe('an RTSP camera', () => {
  let camera: RtspServer;
  before(async () => {
    camera = await startRtspServer({ credentials: { user: 'viewer', password: 'geheim99' } });
  });
  after(() => camera.stop());
  const url = () => camera.url.replace('//', '//viewer:geheim99@');

  test('is probed and copied', async () => {
    const { probe, reason } = await probeSource(sourceOf(url()), { facts });
    assert.equal(reason, undefined);
    assert.deepEqual([probe.plan, probe.container, probe.video?.codec, probe.video?.width], ['copy', 'rtsp', 'h264', 640]);
    assert.doesNotMatch(JSON.stringify(probe), /geheim99/);
    await withCapture(await argsFor(url(), {}, true), async (capture) => {
      await capture.haveFragments(45);
      assert.equal(capture.fragments[0]?.isKey, true);
      assertSteady(capture);
    });
  });

  test('is encoded when asked, beginning with a clean picture', async () => {
    await withCapture(await argsFor(url(), { codec: 'h264', resolution: '320x240', bitrate: 300 }, true), async (capture) => {
      await capture.haveFragments(45);
      assert.deepEqual([capture.inits[0]?.facts.video?.width, capture.inits[0]?.facts.video?.height], [320, 240]);
      assertSteady(capture);
    });
  });

  test('that wants other credentials is named so, without telling them', async () => {
    const { probe, reason, failure } = await probeSource(sourceOf(camera.url.replace('//', '//viewer:falsch77@')), { facts });
    assert.deepEqual([reason, failure?.isPermanent, probe.reachable], ['source_refused', true, false]);
    assert.doesNotMatch(JSON.stringify([probe, failure]), /falsch77/);
  });

  test('that is cut off ends the run as ended or unreachable', async () => {
    await withCapture(await argsFor(url(), {}, true), async (capture) => {
      await capture.haveFragments(5);
      camera.cut();
      const exit = await capture.ended();
      assert.match(classifyFailure(capture.lines(), exit).reason, /^source_(ended|unreachable)$/);
    });
  });
});

test('SRT starts without waiting for further programs', async () => {
  const finder = createSocket('udp4').bind(0, '127.0.0.1');
  await once(finder, 'listening');
  const { port } = finder.address();
  finder.close();
  const both = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-re', '-f', 'lavfi', '-i', 'sine=frequency=440'];
  const encode = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '25', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
  const sender = startCapture(['-nostdin', '-v', 'error', ...both, ...encode, '-f', 'mpegts', `srt://127.0.0.1:${port}?mode=listener`]);
  try {
    await withCapture(await argsFor(`srt://127.0.0.1:${port}`, { codec: 'copy' }), async (capture) => {
      await capture.haveFragments(25);
      await assertWithin(capture.fragments[0]?.atMs ?? 0, 4000, 'the first fragment');
      assert.match(capture.inits[0]?.facts.codecs ?? '', /^avc1\.[0-9a-f]{6},mp4a\.40\.2$/);
      assertSteady(capture);
    });
  } finally {
    sender.child.kill('SIGKILL');
    await sender.ended();
  }
});

test('HLS is given in real time, however fast it arrives', async () => {
  const list = join(folder, 'hls.m3u8');
  const picture = [
    '-f',
    'lavfi',
    '-t',
    '10',
    '-i',
    'testsrc2=size=320x180:rate=25',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-g',
    '25',
    '-pix_fmt',
    'yuv420p',
  ];
  await runTool('ffmpeg', ['-v', 'error', ...picture, '-f', 'hls', '-hls_time', '1', '-hls_list_size', '0', list]);
  const server = createHttpServer((request, response) => {
    readFile(join(folder, basename(request.url ?? ''))).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const device = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hls.m3u8`;
    await withCapture(await argsFor(device, {}, true), async (capture) => {
      await capture.haveFragments(50);
      const [first, last] = [capture.fragments[0], capture.fragments[49]];
      assert.ok((last?.atMs ?? 0) - (first?.atMs ?? 0) > 1500, `50 pictures in ${(last?.atMs ?? 0) - (first?.atMs ?? 0)} ms`);
      assertSteady(capture);
    });
  } finally {
    server.close();
  }
});

test('a file is looped without a step back in time', async () => {
  const file = join(folder, 'loop.mp4');
  // B-frames, and sound that is longer than the picture.
  const picture = ['-f', 'lavfi', '-t', '1', '-i', 'testsrc2=size=320x180:rate=25', '-f', 'lavfi', '-t', '1.13', '-i', 'sine=frequency=440'];
  await runTool('ffmpeg', ['-v', 'error', ...picture, '-c:v', 'libx264', '-bf', '2', '-pix_fmt', 'yuv420p', '-c:a', 'aac', file]);
  for (const config of [{}, { codec: 'h264' as const }]) {
    await withCapture(await argsFor(file, config, true), async (capture) => {
      await waitFor(() => capture.fragments.filter((fragment) => fragment.hasVideo).length > 60 || capture.exit(), {
        deadlineMs: 12_000,
        what: '60 pictures',
      });
      const video = capture.fragments.filter((fragment) => fragment.hasVideo);
      assert.ok(video.length > 60, capture.lines().join('\n'));
      const keys = video.filter((fragment) => fragment.isKey).map((fragment) => fragment.timeMs);
      for (const [index, key] of keys.entries()) assert.ok(index === 0 || key > (keys[index - 1] ?? 0), keys.join(' '));
    });
  }
});

describe('what a source may reach', () => {
  let server: HttpServer;
  let base = '';
  before(async () => {
    await writeFile(join(folder, 'secret.ts'), await runTool('ffmpeg', asFiniteRun(tsArgs, 1)));
    server = createHttpServer((request, response) => {
      if (request.url === '/list.m3u8') {
        response.end(`#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://${folder}/secret.ts\n#EXT-X-ENDLIST\n`);
      } else if (request.url === '/redirect') {
        response.writeHead(302, { location: `file://${folder}/secret.ts` }).end();
      } else {
        response.writeHead(404).end();
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await writeFile(join(folder, 'list.m3u8'), `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n`);
    await writeFile(join(folder, 'script.mp4'), `ffconcat version 1.0\nfile '${folder}/secret.ts'\n`);
    await writeFile(join(folder, 'garbage.mp4'), Buffer.alloc(40_000, 'abc'));
  });
  after(() => server.close());
  const tsArgs = [
    '-nostdin',
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x180:rate=10',
    '-map',
    '0:v',
    '-c:v',
    'libx264',
    '-f',
    'mpegts',
    'pipe:1',
  ];

  const rows: [string, () => string, RegExp][] = [
    ['a remote playlist naming a local file', () => `${base}/list.m3u8`, /^(forbidden_source|source_garbage)$/],
    ['a redirect to a local file', () => `${base}/redirect`, /^(forbidden_source|source_garbage)$/],
    ['a playlist in the media folder', () => join(folder, 'list.m3u8'), /^forbidden_source$/],
    ['a script in the media folder', () => join(folder, 'script.mp4'), /^forbidden_source$/],
    ['garbage in the media folder', () => join(folder, 'garbage.mp4'), /^source_garbage$/],
    ['a missing page', () => `${base}/none`, /^source_missing$/],
  ];
  for (const [name, device, reason] of rows) {
    test(`${name} gives no picture, but ${reason}`, async () => {
      const probed = await probeSource(sourceOf(device()), { facts });
      assert.match(probed.reason ?? '', reason);
      await withCapture(await argsFor(device()), async (capture) => {
        const exit = await capture.ended();
        assert.equal(capture.fragments.length, 0);
        assert.match(classifyFailure(capture.lines(), exit).reason, reason);
      });
    });
  }
});

describe('probeSource', () => {
  test('gives up at its deadline and can be cancelled', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const source = sourceOf(`rtsp://127.0.0.1:${(silent.address() as AddressInfo).port}/x`);
    try {
      const late = await probeSource(source, { facts, timeoutMs: 400 });
      assert.equal(late.reason, 'source_unreachable');
      await assertWithin(late.probe.took_ms, 2000, 'giving up');
      const abort = new AbortController();
      const cancelled = probeSource(source, { facts, signal: abort.signal });
      setImmediate(() => abort.abort());
      await assert.rejects(cancelled, { code: 'cancelled' });
      await assert.rejects(probeSource(source, { facts: { ...facts, ffprobe: '/none/ffprobe' } }), { code: 'unavailable' });
    } finally {
      silent.close();
    }
  });

  test('knows what browsers cannot play, and says why', async () => {
    const make = async (name: string, args: readonly string[]) => {
      const file = join(folder, name);
      await runTool('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-t', '0.4', '-i', 'testsrc2=size=320x180:rate=10', ...args, file]);
      return (await probeSource(sourceOf(file), { facts })).probe;
    };
    const plain = await make('plain.mp4', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p']);
    assert.deepEqual([plain.plan, plain.video?.frame_rate, plain.video?.profile], ['copy', 10, 'High']);
    const rows: [string, string[], RegExp][] = [
      ['444.mp4', ['-c:v', 'libx264', '-pix_fmt', 'yuv444p'], /pixel format yuv444p/],
      ['10bit.mp4', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p10le'], /yuv420p10le/],
      ['hevc.mp4', ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-pix_fmt', 'yuv420p'], /hevc/],
      ['mjpeg.avi', ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'], /mjpeg/],
      [
        'interlaced.mp4',
        ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-flags', '+ilme+ildct', '-x264-params', 'tff=1', '-field_order', 'tt'],
        /interlaced/,
      ],
    ];
    for (const [name, args, why] of rows) {
      const probe = await make(name, args);
      assert.equal(probe.plan, 'encode', name);
      assert.match(probe.why ?? '', why);
    }
    const sound = join(folder, 'sound.m4a');
    await runTool('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-t', '0.4', '-i', 'sine', sound]);
    const outcome = await probeSource(sourceOf(sound), { facts });
    assert.deepEqual([outcome.reason, outcome.probe.error?.code, outcome.probe.audio?.codec], ['audio_only', 'unsupported', 'aac']);
  });
});

describe('findMachineFacts', () => {
  test('finds libx264 and names what hardware lacks', async () => {
    const found = await findMachineFacts({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe' });
    assert.match(found.version, /^\d/);
    assert.deepEqual([found.encoders.at(-1)?.encoder, found.encoders.at(-1)?.works], ['libx264', true]);
    assert.ok(found.encoders.every((report) => report.works || (report.reason ?? '') !== ''));
    assert.equal(found.encoders.length, 5);
  });
  test('says when a program is missing or is something else', async () => {
    await assert.rejects(findMachineFacts({ ffmpeg: '/none/ffmpeg', ffprobe: 'ffprobe' }), { code: 'unavailable' });
    await assert.rejects(findMachineFacts({ ffmpeg: 'true', ffprobe: 'ffprobe' }), { code: 'unavailable' });
    await assert.rejects(findMachineFacts({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', signal: AbortSignal.abort() }), { code: 'cancelled' });
  });
});

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { WeirError } from '../../contracts/errors.js';
import { asFiniteRun, runTool } from '../../testkit/ffmpeg-capture.js';
import { withTempFolder } from '../../testkit/index.js';
import { captureArgs } from '../ffmpeg/capture-args.js';
import type { MachineFacts } from '../ffmpeg/facts.js';
import { planCapture } from '../ffmpeg/plan.js';
import { parseSource } from '../ffmpeg/source.js';
import { createFragmentCutter } from './cutter.js';
import type { Fragment, InitSegment } from './fragment.js';

const facts: MachineFacts = {
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffprobe',
  version: '5.1',
  fontFile: undefined,
  encoders: [{ encoder: 'libx264', works: true, reason: undefined, tookMs: 0 }],
  renderNode: undefined,
};

/** One second of the test picture through the same arguments as a stream, as fast as possible. */
async function record(device: string, seconds = 1): Promise<Buffer> {
  const source = parseSource(device, { mediaFolders: [] });
  const args = captureArgs(planCapture({ device }, source, undefined, facts), facts);
  // Descriptor 3 is not there in this run.
  const progress = args.indexOf('-progress');
  args.splice(progress, 2);
  return await runTool('ffmpeg', asFiniteRun(args, seconds));
}

interface Cut {
  inits: InitSegment[];
  fragments: Fragment[];
  skipped: number;
  pending: number;
}

function cut(chunks: Iterable<Uint8Array>, maxBoxBytes?: number): Cut {
  const inits: InitSegment[] = [];
  const fragments: Fragment[] = [];
  const cutter = createFragmentCutter({
    onInit: (init) => inits.push({ ...init, bytes: asBuffer(init.bytes) }),
    onFragment: (fragment) => fragments.push({ ...fragment, bytes: asBuffer(fragment.bytes) }),
    ...(maxBoxBytes === undefined ? {} : { maxBoxBytes }),
  });
  for (const chunk of chunks) cutter.push(chunk);
  return { inits, fragments, skipped: cutter.skippedBytes, pending: cutter.pendingBytes };
}

/** The same memory as a Buffer, since deep equality tells Buffer and Uint8Array apart. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function* inPieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function joined({ inits, fragments }: Cut): Buffer {
  return Buffer.concat([...inits.map((init) => init.bytes), ...fragments.map((fragment) => fragment.bytes)]);
}

function box(type: string, body: Uint8Array | number, isLarge = false): Buffer {
  const content = typeof body === 'number' ? Buffer.alloc(body) : Buffer.from(body);
  const header = Buffer.alloc(isLarge ? 16 : 8);
  header.writeUInt32BE(isLarge ? 1 : content.length + 8, 0);
  header.write(type, 4, 'latin1');
  if (isLarge) header.writeBigUInt64BE(BigInt(content.length + 16), 8);
  return Buffer.concat([header, content]);
}

describe('createFragmentCutter', () => {
  let picture: Buffer = Buffer.alloc(0);
  let both: Buffer = Buffer.alloc(0);
  before(async () => {
    picture = await record('test:?size=320x180&fps=30', 2);
    both = await record('test:?size=320x180&fps=30&audio=1', 2);
  });

  test('gives one fragment per frame, with its time, duration and key mark', () => {
    const { inits, fragments, pending } = cut([picture]);
    assert.equal(inits.length, 1);
    assert.equal(fragments.length, 60);
    assert.equal(pending, 0);
    assert.deepEqual(
      fragments.filter((fragment) => fragment.isKey).map((fragment) => fragments.indexOf(fragment)),
      [0, 30],
    );
    for (const [index, fragment] of fragments.entries()) {
      assert.equal(fragment.frames, 1);
      assert.equal(fragment.hasVideo, true);
      assert.equal(fragment.hasAudio, false);
      assert.ok(Math.abs(fragment.timeMs - (500 + (index * 1000) / 30)) < 0.1, `${index}: ${fragment.timeMs}`);
      assert.ok(Math.abs(fragment.durationMs - 1000 / 30) < 0.1, `${index}: ${fragment.durationMs}`);
    }
  });

  test('sound beside the picture: every frame once, times and durations of the picture unspoilt', () => {
    const { fragments } = cut([both]);
    const video = fragments.filter((fragment) => fragment.hasVideo);
    assert.equal(
      video.reduce((sum, fragment) => sum + fragment.frames, 0),
      60,
    );
    assert.ok(fragments.some((fragment) => fragment.hasAudio));
    assert.ok(fragments.every((fragment) => fragment.frames <= 1));
    for (const [index, fragment] of video.entries()) {
      assert.ok(Math.abs(fragment.timeMs - (500 + (index * 1000) / 30)) < 0.1, `${index}: ${fragment.timeMs}`);
      assert.ok(Math.abs(fragment.durationMs - 1000 / 30) < 0.1, `${index}: ${fragment.durationMs}`);
    }
    assert.ok(fragments.filter((fragment) => !fragment.hasVideo).every((fragment) => !fragment.isKey));
  });

  test('any chunking gives the same fragments, and their bytes are those that came', () => {
    const whole = cut([both]);
    assert.deepEqual(joined(whole), both);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const chunks: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < both.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          chunks.push(both.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(cut(chunks), whole);
      }),
      { numRuns: 60 },
    );
  });

  test('one byte at a time, and empty chunks', () => {
    assert.deepEqual(cut(inPieces(picture, 1)), cut([new Uint8Array(0), picture, new Uint8Array(0)]));
  });

  test('a fragment that arrives whole is not copied', () => {
    const { inits, fragments } = cut([picture]);
    assert.ok(inits.every((init) => init.bytes.buffer === picture.buffer));
    assert.ok(fragments.every((fragment) => fragment.bytes.buffer === picture.buffer));
  });

  test('the joined fragments play: ffprobe counts every frame', async () => {
    await withTempFolder(async (folder) => {
      const file = join(folder, 'joined.mp4');
      await writeFile(file, joined(cut(inPieces(both, 777))));
      const list = ['-v', 'error', '-count_frames', '-select_streams', 'v', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0'];
      assert.equal(Number.parseInt((await runTool('ffprobe', [...list, file])).toString(), 10), 60);
    });
  });

  test('a player may begin at any key fragment', async () => {
    const { inits, fragments } = cut([both]);
    const from = fragments.findLastIndex((fragment) => fragment.isKey);
    const tail = Buffer.concat([inits[0]?.bytes ?? Buffer.alloc(0), ...fragments.slice(from).map((fragment) => fragment.bytes)]);
    const list = ['-v', 'error', '-count_frames', '-select_streams', 'v', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0', '-'];
    assert.equal(Number.parseInt((await runTool('ffprobe', list, tail)).toString(), 10), 30);
  });

  test('boxes before a moof belong to its fragment; mfra at the end is left out', () => {
    const { inits, fragments } = cut([picture]);
    const init = Buffer.from(inits[0]?.bytes ?? []);
    const [first, second] = fragments.map((fragment) => Buffer.from(fragment.bytes));
    assert.ok(first !== undefined && second !== undefined);
    const lead = Buffer.concat([box('styp', 16), box('sidx', 24), box('emsg', 20), box('prft', 16), box('free', 0)]);
    const stream = Buffer.concat([init, lead, first, second, box('mfra', 40)]);
    for (const size of [1, 13, stream.length]) {
      const result = cut(inPieces(stream, size));
      assert.deepEqual(
        result.fragments.map((fragment) => Buffer.from(fragment.bytes)),
        [Buffer.concat([lead, first]), second],
      );
      assert.deepEqual([result.fragments[0]?.isKey, result.fragments[0]?.timeMs, result.skipped], [true, fragments[0]?.timeMs, 48]);
    }
  });

  test('64-bit sizes are understood', () => {
    const { inits, fragments } = cut([picture]);
    const first = Buffer.from(fragments[0]?.bytes ?? []);
    const moofSize = first.readUInt32BE(0);
    const large = Buffer.concat([box('moof', first.subarray(8, moofSize), true), box('mdat', first.subarray(moofSize + 8), true)]);
    const stream = Buffer.concat([Buffer.from(inits[0]?.bytes ?? []), large]);
    for (const size of [1, 9, stream.length]) {
      const [fragment] = cut(inPieces(stream, size)).fragments;
      assert.deepEqual(Buffer.from(fragment?.bytes ?? []), large);
      assert.equal(fragment?.isKey, true);
    }
  });

  test('a second init segment starts anew', () => {
    const result = cut([both, picture]);
    assert.equal(result.inits.length, 2);
    assert.equal(result.inits[0]?.facts.audio?.codec, 'aac');
    assert.equal(result.inits[1]?.facts.audio, undefined);
    assert.equal(result.fragments.at(-1)?.frames, 1);
  });

  const init = () => Buffer.from(cut([picture]).inits[0]?.bytes ?? []);
  const garbage: [string, () => Buffer, string][] = [
    ['text', () => Buffer.from('HTTP/1.1 404 Not Found\r\n\r\n'), 'invalid_argument'],
    ['zeros', () => Buffer.alloc(64), 'invalid_argument'],
    ['MPEG-TS', () => Buffer.alloc(376, 0x47), 'invalid_argument'],
    ['media before init', () => box('moof', 20), 'invalid_argument'],
    ['mdat before moof', () => Buffer.concat([init(), box('mdat', 20)]), 'invalid_argument'],
    ['plain MP4 (mdat before moov)', () => Buffer.concat([box('ftyp', 16), box('mdat', 20)]), 'invalid_argument'],
    ['box smaller than its header', () => Buffer.concat([init(), Buffer.from([0, 0, 0, 7]), Buffer.from('moof')]), 'invalid_argument'],
    ['box without end', () => Buffer.concat([init(), Buffer.from([0, 0, 0, 0]), Buffer.from('moof')]), 'invalid_argument'],
    ['unknown box', () => Buffer.concat([init(), box('junk', 4)]), 'invalid_argument'],
    ['moov without tracks it needs', () => Buffer.concat([box('ftyp', 8), box('moov', box('trak', 3))]), 'accepted'],
    ['moov cut inside', () => Buffer.concat([box('ftyp', 8), box('moov', Buffer.from([0, 0, 1, 0, 1, 2, 3, 4]))]), 'invalid_argument'],
    ['moof cut inside', () => Buffer.concat([init(), box('moof', box('traf', box('tfhd', 2))), box('mdat', 4)]), 'invalid_argument'],
    ['huge box', () => Buffer.concat([init(), Buffer.from([0x7f, 0, 0, 0]), Buffer.from('moof')]), 'payload_too_large'],
    ['many small boxes', () => Buffer.concat([init(), ...Array.from({ length: 40 }, () => box('free', 1_000_000))]), 'payload_too_large'],
  ];
  for (const [name, make, code] of garbage) {
    test(`${name}: ${code}`, () => {
      const bytes = make();
      const cutter = createFragmentCutter({ onInit: () => undefined, onFragment: () => undefined });
      const push = (chunk: Uint8Array) => {
        try {
          cutter.push(chunk);
          return 'accepted';
        } catch (error) {
          assert.ok(error instanceof WeirError, String(error));
          return error.code;
        }
      };
      assert.equal(push(bytes), code);
      // A cutter that failed stays failed.
      assert.equal(push(picture), code);
    });
  }

  test('the limit on size holds', () => {
    assert.throws(() => cut([picture], 2000), /limit of 2000 bytes/);
  });

  test('damage never does worse than a coded error', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(both.length - 1), fc.nat(255)), { minLength: 1, maxLength: 30 }), (changes) => {
        const damaged = Buffer.from(both.subarray(0, 60_000));
        for (const [at, value] of changes) damaged[at % 6000] = value;
        try {
          cut(inPieces(damaged, 4096));
        } catch (error) {
          assert.ok(error instanceof WeirError, String((error as Error).stack));
        }
      }),
      { numRuns: 300 },
    );
  });
});

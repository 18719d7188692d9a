import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cameraCapabilitiesSchema } from '../../contracts/camera.js';
import { parseV4l2Report } from './parse-report.js';
import { isCaptureNode, type V4l2Report } from './report.js';
import { brokenDriver, grabberWithoutSizes, oldWebcam, stepwiseSensor, vividCapture, vividMetadata } from './testing/reports.js';

function read(text: string): V4l2Report {
  const report = parseV4l2Report(text);
  assert.ok(report !== undefined);
  return report;
}

test('vivid: who it is, and of this node only what it can do', () => {
  const { driver, card, bus, nodeCaps } = read(vividCapture);
  assert.deepEqual([driver, card, bus], ['vivid', 'vivid', 'platform:vivid-001']);
  assert.deepEqual(nodeCaps, ['Video Capture', 'Video Overlay', 'Tuner', 'Audio', 'Read/Write', 'Streaming', 'Extended Pix Format']);
});

test('vivid: formats with sizes, rates highest first', () => {
  assert.deepEqual(read(vividCapture).formats, [
    {
      pixel_format: 'YUYV',
      description: 'YUYV 4:2:2',
      sizes: [
        { width: 320, height: 180, frame_rates: [60, 12.5, 1] },
        { width: 1280, height: 720, frame_rates: [12.5, 1] },
      ],
    },
    { pixel_format: 'Y16 -BE', description: '16-bit Greyscale BE', sizes: [{ width: 320, height: 180, frame_rates: [1] }] },
  ]);
});

test('vivid: controls of every plain type; matrices are left out', () => {
  const controls = new Map(read(vividCapture).controls.map((control) => [control.name, control]));
  assert.deepEqual(
    [...controls.keys()],
    [
      ...['brightness', 'gain_automatic', 'gain', 'button', 'integer_64_bits', 'menu', 'string', 'bitmask', 'integer_menu'],
      ...['read_only_integer_32_bits', 'dv_timings'],
    ],
  );
  assert.deepEqual(controls.get('gain'), {
    ...{ name: 'gain', type: 'int', min: 0, max: 255, step: 1, default: 100, value: 14 },
    flags: ['inactive', 'volatile'],
  });
  assert.deepEqual(controls.get('gain_automatic'), { name: 'gain_automatic', type: 'bool', default: true, value: true, flags: ['update'] });
  assert.deepEqual(controls.get('button'), { name: 'button', type: 'button', flags: ['write-only', 'execute-on-write'] });
  assert.deepEqual(controls.get('integer_64_bits'), { name: 'integer_64_bits', type: 'int64', step: 1, default: 0, value: 0 });
  assert.deepEqual(controls.get('string')?.value, '  ');
  assert.deepEqual([controls.get('bitmask')?.default, controls.get('bitmask')?.value], [0x80002000, 0x80002000]);
  assert.deepEqual(controls.get('menu')?.choices, [
    { value: 1, label: 'Menu Item 1' },
    { value: 3, label: 'Menu Item 3' },
    { value: 4, label: 'Menu Item 4' },
  ]);
  assert.deepEqual(controls.get('integer_menu')?.choices, [
    { value: 4, label: '5' },
    { value: 8, label: '42' },
  ]);
});

test('an old version: the same facts from other words, nothing twice', () => {
  const { card, formats, controls } = read(oldWebcam);
  assert.equal(card, 'UVC Camera (046d:0991)');
  assert.deepEqual(formats, [
    { pixel_format: 'MJPG', description: 'Motion-JPEG', sizes: [{ width: 960, height: 720, frame_rates: [15, 7.5] }] },
    { pixel_format: 'YUYV', description: 'YUYV 4:2:2', sizes: [{ width: 640, height: 480, frame_rates: [30] }] },
  ]);
  assert.deepEqual(
    controls.map(({ name, value, choices }) => [name, value, choices?.length]),
    [
      ['brightness', 130, undefined],
      ['white_balance_temperature_auto', false, undefined],
      ['power_line_frequency', 2, 3],
    ],
  );
});

test('a range of sizes: its ends and the common sizes in it that it takes; of rates the ends', () => {
  const [h264, nv12] = read(stepwiseSensor).formats;
  assert.deepEqual(
    h264?.sizes.map(({ width, height }) => `${width}x${height}`),
    ['32x32', '320x240', '640x360', '640x480', '800x600', '1280x720', '1280x960', '1920x1080', '2560x1440', '2592x1944'],
  );
  assert.ok(h264?.sizes.every(({ frame_rates }) => frame_rates.join() === '90,1'));
  assert.deepEqual(nv12?.sizes.at(-1), { width: 700, height: 500, frame_rates: [] });
});

test('no sizes told: what is set at present', () => {
  assert.deepEqual(read(grabberWithoutSizes).formats, [
    { pixel_format: 'NV12', description: 'Y/UV 4:2:0', sizes: [{ width: 1920, height: 1080, frame_rates: [59.94] }] },
  ]);
});

test('nonsense is left out', () => {
  assert.deepEqual(read(brokenDriver).formats, [
    { pixel_format: 'MJPG', description: 'Motion-JPEG', sizes: [{ width: 640, height: 480, frame_rates: [30] }] },
  ]);
});

const kinds: [string, readonly string[], boolean, string?][] = [
  ['a webcam', ['Video Capture', 'Streaming'], true],
  ['a board sensor', ['Video Capture Multiplanar', 'Streaming'], true],
  ['a tuner card with overlay', ['Video Capture', 'Video Overlay', 'Tuner', 'Read/Write'], true],
  ['metadata', ['Metadata Capture', 'Streaming'], false],
  ['an output', ['Video Output', 'Streaming'], false],
  ['a codec', ['Video Memory-to-Memory Multiplanar', 'Streaming'], false],
  ['a codec of the old kind', ['Video Capture Multiplanar', 'Video Output Multiplanar'], false],
  ['a raw node of a media pipeline', ['Video Capture', 'I/O MC', 'Streaming'], false],
  ['a touch panel', ['Video Capture', 'Touch Device', 'Streaming'], false],
  ['a loopback', ['Video Capture', 'Video Output', 'Streaming'], true, 'v4l2 loopback'],
  ['a loopback nobody writes to', ['Video Output', 'Streaming'], false, 'v4l2 loopback'],
];
for (const [name, nodeCaps, isCapture, driver = 'some'] of kinds) {
  test(`${name} is ${isCapture ? 'a' : 'no'} capture node`, () => {
    const report = { driver, card: undefined, bus: undefined, nodeCaps, formats: [], controls: [] };
    assert.equal(isCaptureNode(report), isCapture);
  });
}

test('the node of metadata is told by its own capabilities, not by those of the whole device', () => {
  assert.equal(isCaptureNode(read(vividMetadata)), false);
  assert.equal(isCaptureNode(read(vividCapture)), true);
});

test('what is no report is none', () => {
  for (const text of ['', 'Cannot open device /dev/video0, exiting.\n', 'Driver Info:\n\tCard type : x\n'])
    assert.equal(parseV4l2Report(text), undefined);
});

test('a list without end is cut', () => {
  const format = (number: number) => `\t[${number}]: 'F${number}' (F)\n`;
  const size = (number: number) => `\t\tSize: Discrete ${number + 1}x10\n\t\t\tInterval: Discrete 0.033s (30.000 fps)\n`;
  const many = (count: number, of: (number: number) => string) => Array.from({ length: count }, (_, number) => of(number)).join('');
  const text = `Driver Info:\n\tDriver name : x\nioctl: VIDIOC_ENUM_FMT\n\tType: Video Capture\n${format(0)}${many(5000, size)}${many(5000, format)}`;
  const { formats } = read(text);
  assert.equal(formats.length, 128);
  assert.equal(formats[0]?.sizes.length, 128);
});

test('any mutilation of a real report is read without a failure, into what the contract allows', () => {
  const samples = [vividCapture, oldWebcam, stepwiseSensor, grabberWithoutSizes, brokenDriver];
  const edits = fc.array(
    fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(40), put: fc.string({ unit: 'binary', maxLength: 20 }) }),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(fc.constantFrom(...samples), edits, (sample, changes) => {
      let text = sample;
      for (const { at, cut, put } of changes) {
        const from = Math.floor(at * text.length);
        text = text.slice(0, from) + put + text.slice(from + cut);
      }
      const report = parseV4l2Report(text);
      if (report === undefined) return;
      const { formats, controls } = report;
      cameraCapabilitiesSchema.parse({ formats, controls, probed_at: '2026-01-01T00:00:00Z', took_ms: 1 });
      for (const { sizes } of formats)
        for (const { frame_rates } of sizes)
          assert.deepEqual(
            frame_rates,
            [...frame_rates].sort((a, b) => b - a),
          );
    }),
    { numRuns: 500 },
  );
});

test('formats that are written as v4l2-ctl writes them come back as they were', () => {
  const rate = fc.integer({ min: 1, max: 240_000 }).map((thousandths) => thousandths / 1000);
  const size = fc.record(
    {
      width: fc.integer({ min: 1, max: 99_999 }),
      height: fc.integer({ min: 1, max: 99_999 }),
      frame_rates: fc.uniqueArray(rate, { minLength: 1, maxLength: 6 }).map((rates) => rates.sort((a, b) => b - a)),
    },
    { noNullPrototype: true },
  );
  const format = fc.record(
    {
      pixel_format: fc.stringMatching(/^[A-Z0-9]{4}$/),
      description: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 :/-]{0,20}[A-Za-z0-9]$/).filter((text) => text !== 'compressed' && text !== 'emulated'),
      sizes: fc.uniqueArray(size, { minLength: 1, maxLength: 5, selector: ({ width, height }) => `${width}x${height}` }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.uniqueArray(format, { minLength: 1, maxLength: 5, selector: (one) => one.pixel_format }), (formats) => {
      const lines = formats.flatMap(({ pixel_format, description, sizes }, index) => [
        `\t[${index}]: '${pixel_format}' (${description}, compressed)`,
        ...sizes.flatMap(({ width, height, frame_rates }) => [
          `\t\tSize: Discrete ${width}x${height}`,
          ...frame_rates.map((fps) => `\t\t\tInterval: Discrete ${(1 / fps).toFixed(3)}s (${fps.toFixed(3)} fps)`),
        ]),
      ]);
      const text = ['Driver Info:', '\tDriver name      : x', 'ioctl: VIDIOC_ENUM_FMT', '\tType: Video Capture', '', ...lines].join('\n');
      assert.deepEqual(read(text).formats, formats);
    }),
  );
});

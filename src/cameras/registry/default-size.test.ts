import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { CameraCapabilities } from '../../contracts/index.js';
import { defaultPicture } from './default-size.js';

type Size = [width: number, height: number, ...rates: number[]];

const offering = (...formats: Size[][]): CameraCapabilities => ({
  formats: formats.map((sizes, index) => ({
    pixel_format: `F${index}`,
    sizes: sizes.map(([width, height, ...frame_rates]) => ({ width, height, frame_rates })),
  })),
  controls: [],
  probed_at: '2026-01-01T00:00:00.000Z',
  took_ms: 1,
});

const rows: [string, CameraCapabilities | null, string | undefined, number | undefined][] = [
  ['nothing known', null, undefined, undefined],
  ['no formats', offering(), undefined, undefined],
  [
    '720p at 30 and more',
    offering([
      [1920, 1080, 30],
      [1280, 720, 60, 30, 15],
      [640, 480, 30],
    ]),
    '1280x720',
    30,
  ],
  ['720p only slowly in one format, well in the other', offering([[1280, 720, 10]], [[1280, 720, 30]]), '1280x720', 30],
  [
    '720p too slow: the smoother of two alike',
    offering([
      [1280, 720, 10],
      [640, 480, 30],
    ]),
    '640x480',
    30,
  ],
  [
    '720p at 25',
    offering([
      [1280, 720, 25],
      [640, 480, 30],
    ]),
    '1280x720',
    25,
  ],
  [
    'only large',
    offering([
      [3840, 2160, 30],
      [1920, 1080, 30],
    ]),
    '1920x1080',
    30,
  ],
  ['a continuous range by its ends', offering([[640, 480, 120, 1]]), '640x480', 30],
  [
    'no rates told',
    offering([
      [640, 480],
      [320, 240],
    ]),
    '640x480',
    undefined,
  ],
  [
    'upright',
    offering([
      [720, 1280, 30],
      [480, 640, 30],
    ]),
    '480x640',
    30,
  ],
];

for (const [name, capabilities, resolution, framerate] of rows) {
  it(`${name}: ${resolution ?? 'as the source'}`, () => {
    const chosen = defaultPicture(capabilities);
    assert.deepEqual([chosen.resolution, chosen.framerate], [resolution, framerate]);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeirError } from '../../contracts/errors.js';
import { parseV4l2Report } from './parse-report.js';
import { type ControlValue, controlArgs } from './set-controls.js';
import { oldWebcam, vividCapture } from './testing/reports.js';

const controls = [...(parseV4l2Report(vividCapture)?.controls ?? []), ...(parseV4l2Report(oldWebcam)?.controls ?? []).slice(1)];

test('values are written as the driver takes them; automatisms are switched first', () => {
  const values = { gain: 7, string: 'ab c', menu: 'Menu Item 4', button: true, bitmask: 0x80000010, gain_automatic: false, integer_menu: 8 };
  assert.deepEqual(controlArgs(controls, values), [
    ...['gain_automatic=0', 'gain=7', 'string=ab c', 'menu=4', 'button=1', `bitmask=${0x80000010}`, 'integer_menu=8'],
  ]);
});

const refusals: [string, ControlValue, RegExp][] = [
  ['zoom', 1, /is no control of this device/],
  ['__proto__', 1, /is no control of this device/],
  ['brightness', 256, /at most 255/],
  ['brightness', -1, /at least 0/],
  ['brightness', 1.5, /whole number/],
  ['brightness', '12', /whole number/],
  ['brightness', Number.NaN, /whole number/],
  ['gain_automatic', 'yes', /true or false/],
  ['gain_automatic', 2, /true or false/],
  ['menu', 2, /one of 1 \(Menu Item 1\), 3 \(Menu Item 3\), 4 \(Menu Item 4\)/],
  ['string', 'a', /2 to 4 characters/],
  ['string', 'a,b', /cannot be sent/],
  ['string', "a'", /cannot be sent/],
  ['button', false, /send true/],
  ['read_only_integer_32_bits', 3, /can only be read/],
];
for (const [name, value, message] of refusals) {
  test(`${name} = ${String(value)} is refused: ${message.source}`, () => {
    assert.throws(
      () => controlArgs(controls, Object.fromEntries([[name, value]])),
      (error) =>
        error instanceof WeirError &&
        error.code === 'invalid_argument' &&
        error.errors[0]?.field === `controls.${name}` &&
        message.test(error.message),
    );
  });
}

test('a value off the steps is refused, one on them is not', () => {
  const stepped = [{ name: 'pan_absolute', type: 'int', min: -36000, max: 36000, step: 3600 }];
  assert.deepEqual(controlArgs(stepped, { pan_absolute: 7200 }), ['pan_absolute=7200']);
  assert.throws(() => controlArgs(stepped, { pan_absolute: 7000 }), /-36000 plus a multiple of 3600/);
});

test('every fault is named, and one is enough to set nothing', () => {
  assert.throws(
    () => controlArgs(controls, { brightness: 3, zoom: 1, menu: 2 }),
    (error) => error instanceof WeirError && error.errors.map(({ field }) => field).join() === 'controls.zoom,controls.menu',
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isToken } from '../../contracts/ids.js';
import { deviceIdBeside, deviceIdOf, isTelling } from './identity.js';
import type { NodeFacts } from './node-facts.js';

const nothing: NodeFacts = { node: 'video0', name: undefined, index: undefined, bus: undefined, usb: undefined };
const webcam: NodeFacts = {
  node: 'video0',
  name: 'HD Pro Webcam C920',
  index: 0,
  bus: 'usb-0000:00:14.0-2',
  usb: { vendorId: '046d', productId: '082d', serial: '8B7C6A5F', interfaceNumber: 0 },
};
const without = (serial: string | undefined): NodeFacts => ({ ...webcam, usb: { vendorId: '046d', productId: '082d', serial, interfaceNumber: 0 } });

const rows: [string, NodeFacts, string][] = [
  ['a serial number', webcam, 'usb-046d-082d-8B7C6A5F'],
  [
    'a second sensor',
    { ...webcam, usb: { vendorId: '046d', productId: '082d', serial: '8B7C6A5F', interfaceNumber: 3 } },
    'usb-046d-082d-8B7C6A5F-i3',
  ],
  ['a second node', { ...webcam, index: 1 }, 'usb-046d-082d-8B7C6A5F-n1'],
  ['no serial number', without(undefined), 'usb-046d-082d-at-0000-00-14-0-2'],
  ['a serial number that says nothing', without('SN0001'), 'usb-046d-082d-at-0000-00-14-0-2'],
  [
    'an instance of a virtual driver',
    { ...nothing, name: 'vivid-001-vid-cap', index: 0, bus: 'platform-vivid.0' },
    'platform-vivid-0-vivid-001-vid-cap',
  ],
  ['a capture card', { ...nothing, name: 'HDMI In', index: 1, bus: 'pci-0000:03:00.0' }, 'pci-0000-03-00-0-HDMI-In-n1'],
  ['nothing at all', nothing, 'dev-video0'],
];
for (const [name, facts, id] of rows) test(`${name}: ${id}`, () => assert.equal(deviceIdOf(facts), id));

test('neither the port nor the number of the node changes the id of a device with a serial number', () => {
  assert.equal(deviceIdOf({ ...webcam, node: 'video7', bus: 'usb-0000:00:14.0-4.1' }), deviceIdOf(webcam));
});

test('serial numbers that differ only in what an id cannot hold stay apart', () => {
  const ids = ['AB/12', 'AB:12', 'AB-12'].map((serial) => deviceIdOf(without(`${serial}77`)));
  assert.equal(new Set(ids).size, 3);
});

test('serial numbers that makers write without numbering are seen through', () => {
  const idle = [
    '',
    '0',
    '0001',
    '00000000',
    'SN0001',
    'S/N: 0001',
    '01.00.00',
    '20150130',
    '200901010001',
    '123456789',
    '0123456789ABCDEF',
    'AAAAAAAA',
  ];
  assert.deepEqual(
    idle.filter((serial) => isTelling(serial)),
    [],
  );
  const telling = ['8B7C6A5F', 'SN000134A7', '20951399', 'C92A-0001', '746023050612', 'B0001D4E'];
  assert.deepEqual(
    telling.filter((serial) => !isTelling(serial)),
    [],
  );
});

test('whatever a device tree says, the id is a token, the same each time, and another beside a twin', () => {
  const text = fc.option(fc.string({ unit: 'binary', maxLength: 120 }), { nil: undefined });
  const facts = fc.record({
    node: fc.nat(9999).map((number) => `video${number}`),
    name: text,
    index: fc.option(fc.nat(9999), { nil: undefined }),
    bus: text.map((value) => (value === undefined ? undefined : `usb-${value}`)),
    usb: fc.option(fc.record({ vendorId: fc.string(), productId: fc.string(), serial: text, interfaceNumber: fc.nat(255) }), { nil: undefined }),
  });
  fc.assert(
    fc.property(facts, (one) => {
      const id = deviceIdOf(one);
      assert.ok(isToken(id), id);
      assert.equal(deviceIdOf(one), id);
      const beside = deviceIdBeside(id, one);
      assert.ok(isToken(beside), beside);
      assert.notEqual(beside, id);
    }),
  );
});

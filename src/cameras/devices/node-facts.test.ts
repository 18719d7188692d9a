import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTempFolder } from '../../testkit/index.js';
import { readNodeFacts } from './node-facts.js';
import { FakeTree } from './testing/fake-tree.js';

test('a USB camera behind a hub: model, serial number, interface, and its port as the kernel writes it', () =>
  withTempFolder(async (folder) => {
    const tree = await FakeTree.create(folder);
    await tree.plug('video4', {
      name: 'Depth Camera',
      index: 2,
      usb: { port: '3.1.4', vendorId: '8086', productId: '0b07', serial: '746023050612', interfaceNumber: 3 },
    });
    assert.deepEqual(await readNodeFacts(tree.roots.sys, 'video4'), {
      node: 'video4',
      name: 'Depth Camera',
      index: 2,
      bus: 'usb-0000:00:14.0-3.1.4',
      usb: { vendorId: '8086', productId: '0b07', serial: '746023050612', interfaceNumber: 3 },
    });
  }));

test('a device of the platform has its place there and nothing of USB', () =>
  withTempFolder(async (folder) => {
    const tree = await FakeTree.create(folder);
    await tree.plug('video0', { name: 'vivid-000-vid-cap' });
    const { bus, usb } = await readNodeFacts(tree.roots.sys, 'video0');
    assert.deepEqual([bus, usb], ['platform-video0.0', undefined]);
  }));

test('what cannot be read is left out, what is no number is no index', () =>
  withTempFolder(async (folder) => {
    const tree = await FakeTree.create(folder);
    const empty = { node: 'video0', name: undefined, index: undefined, bus: undefined, usb: undefined };
    assert.deepEqual(await readNodeFacts(tree.roots.sys, 'video0'), empty);
    assert.deepEqual(await readNodeFacts(join(folder, 'nowhere'), 'video0'), empty);
    await tree.plug('video0');
    const link = join(tree.roots.sys, 'class', 'video4linux', 'video0');
    await writeFile(join(link, 'index'), 'many\n');
    await rm(join(link, 'device'));
    assert.deepEqual(await readNodeFacts(tree.roots.sys, 'video0'), { ...empty, name: 'Fake Webcam' });
  }));

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { openStore } from '../../store/index.js';
import { Definitions, idFromName, maxForeignStreams, nameOfSource } from './definitions.js';

for (const [name, id] of [
  ['Front door', 'front-door'],
  ['  Über-Kamera (2) ', 'uber-kamera-2'],
  ['!!!', 'stream'],
  ['_x', 'x'],
  ['a'.repeat(80), 'a'.repeat(60)],
] as const) {
  test(`id from name: ${name.slice(0, 20)}`, () => assert.equal(idFromName(name), id));
}

for (const [device, name] of [
  ['test:', 'Test picture'],
  ['rtsp://user:secret@cam.local:554/live', 'cam.local'],
  ['/dev/video0', 'video0'],
  ['clips/door.mp4', 'door.mp4'],
] as const) {
  test(`name of source: ${device}`, () => assert.equal(nameOfSource(device), name));
}

const actor = { user_id: 'u1' };

async function withDefinitions(
  work: (definitions: Definitions, store: Awaited<ReturnType<typeof openStore>>, changed: string[]) => Promise<void>,
): Promise<void> {
  await using store = await openStore({ path: ':memory:' });
  const changed: string[] = [];
  const definitions = new Definitions({ store, policy: { mediaFolders: [], checkFiles: false }, onChange: (streamId) => changed.push(streamId) });
  await definitions.load();
  await work(definitions, store, changed);
}

const codeOf = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

test('definitions: ids are made from names and are unique; each change leaves one event in the outbox', () =>
  withDefinitions(async (definitions, store, changed) => {
    const one = await definitions.create({ name: 'Front door', config: { device: 'test:' } }, actor);
    const two = await definitions.create({ name: 'Front door', config: { device: 'test:' } }, actor);
    assert.deepEqual([one.stream_id, two.stream_id], ['front-door', 'front-door-2']);
    const updated = await definitions.update('front-door', { name: 'Back door', revision: 1 }, actor);
    assert.equal(updated.revision, 2);
    await definitions.remove('front-door-2', actor);
    assert.deepEqual(changed, ['front-door', 'front-door-2', 'front-door', 'front-door-2']);
    const events = await store.outbox.next(10);
    const told = events.map(({ event_id, message }) => {
      const change = message as { change: string; entity_id: string; event_id: string; actor?: string };
      assert.equal(change.event_id, event_id);
      return `${change.change} ${change.entity_id} ${change.actor}`;
    });
    assert.deepEqual(told, ['created front-door u1', 'created front-door-2 u1', 'updated front-door u1', 'deleted front-door-2 u1']);
    assert.equal(definitions.isJustDeleted('front-door-2'), true);
    assert.equal(definitions.isJustDeleted('front-door'), false);
  }));

test('definitions: an update that changes nothing makes no revision and no event', () =>
  withDefinitions(async (definitions, store) => {
    await definitions.create({ stream_id: 'a', name: 'A', config: { device: 'test:', framerate: 5 } }, actor);
    await definitions.update('a', {}, actor);
    const same = await definitions.update('a', { name: 'A', config: { framerate: 5, device: 'test:' }, on_demand: false, revision: 1 }, actor);
    assert.equal(same.revision, 1);
    assert.equal((await store.outbox.next(10)).length, 1);
    await assert.rejects(definitions.update('a', { name: 'A', revision: 7 }, actor), codeOf('failed_precondition'));
  }));

test('definitions: an id made from a name is none of the interface’s own', () =>
  withDefinitions(async (definitions) => {
    assert.equal((await definitions.create({ name: 'New', config: { device: 'test:' } }, actor)).stream_id, 'new-2');
  }));

test('definitions: refused changes leave nothing behind', () =>
  withDefinitions(async (definitions, store) => {
    await definitions.create({ stream_id: 'a', config: { device: 'test:' } }, actor);
    await assert.rejects(definitions.create({ stream_id: 'a', config: { device: 'test:' } }, actor), codeOf('already_exists'));
    for (const stream_id of ['new', 'add'])
      await assert.rejects(definitions.create({ stream_id, config: { device: 'test:' } }, actor), codeOf('invalid_argument'));
    await assert.rejects(definitions.update('a', { name: 'x', revision: 7 }, actor), codeOf('failed_precondition'));
    await assert.rejects(definitions.update('b', { name: 'x' }, actor), codeOf('not_found'));
    await assert.rejects(definitions.remove('b', actor), codeOf('not_found'));
    await assert.rejects(
      definitions.create({ stream_id: 'c', config: { device: 'test:' } }, actor, () => false),
      codeOf('permission_denied'),
    );
    assert.equal((await store.outbox.next(10)).length, 1);
  }));

test('definitions: a faulty source is an error of its field', () =>
  withDefinitions(async (definitions) => {
    const rejects = async (work: Promise<unknown>, field: string) => {
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof WeirError);
      assert.deepEqual(
        error.errors.map((one) => one.field),
        [field],
      );
    };
    await rejects(definitions.create({ config: { device: 'gopher://x' } }, actor), 'config.device');
    await rejects(definitions.create({ config: { device: '/etc/passwd' } }, actor), 'config.device');
    await rejects(definitions.create({ config: { device: 'test:', output_url: 'file:///tmp/x' } }, actor), 'config.output_url');
    await definitions.create({ stream_id: 'a', config: { device: 'test:' } }, actor);
    await rejects(definitions.update('a', { config: {} }, actor), 'config.device');
  }));

test('definitions: a foreign stream can be renamed, not configured; their number is bounded', () =>
  withDefinitions(async (definitions) => {
    await definitions.adopt('f0', true);
    assert.equal((await definitions.update('f0', { name: 'Yard' }, actor)).name, 'Yard');
    await assert.rejects(definitions.update('f0', { config: { device: 'test:' } }, actor), codeOf('failed_precondition'));
    for (let number = 1; number < maxForeignStreams; number += 1) await definitions.adopt(`f${number}`, true);
    await assert.rejects(definitions.adopt('one-more', true), codeOf('resource_exhausted'));
  }));

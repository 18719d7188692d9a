import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, configSchema } from '../contracts/index.js';
import { dataFolderAt } from './data-folder.js';
import { keptWhile, settingsOf } from './local-spoke.js';

function settingsWith(changes: { [S in keyof Config]?: Partial<Config[S]> }) {
  const config = configSchema.parse(changes);
  return settingsOf({ config, data: dataFolderAt('/var/lib/weir'), login: { url: 'nats://127.0.0.1:4222' }, inboxPrefix: undefined });
}

test('a change that needs no restart does not cost the running spoke its place, though it is written for the next', () => {
  const before = settingsWith({});
  for (const changes of [
    { log: { level: 'debug' as const } },
    { storage: { block_percent: 97, warn_percent: 80 } },
    { storage: { min_free_bytes: 123_456_789 } },
    { storage: { check_s: 17 } },
    { cameras: { max: 3 } },
  ]) {
    assert.equal(keptWhile(settingsWith(changes)), keptWhile(before), JSON.stringify(changes));
  }
  assert.equal(settingsWith({ log: { level: 'debug' } }).log_level, 'debug');
  assert.equal(settingsWith({ storage: { min_free_bytes: 123_456_789 } }).recordings.min_free_bytes, 123_456_789);
});

test('a spoke that was started with what holds no more is replaced', () => {
  const before = settingsWith({});
  for (const changes of [
    { recordings: { folder: '/srv/recordings' } },
    { cameras: { reconcile_s: 77 } },
    { streams: { pre_roll_s: 3 } },
    { streams: { source_hosts: ['camera.example'] } },
    { nats: { root: 'other' } },
  ]) {
    assert.notEqual(keptWhile(settingsWith(changes)), keptWhile(before), JSON.stringify(changes));
  }
  assert.notEqual(keptWhile({ ...before, login: { ...before.login, password: 'another' } }), keptWhile(before));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Config, configSchema } from '../contracts/index.js';
import { dataFolderAt } from './data-folder.js';
import { keptWhile, settingsOf } from './local-worker.js';

const login = { url: 'nats://127.0.0.1:4222', user: 'worker-local', password: 'one' };

function settingsWith(changes: { [S in keyof Config]?: Partial<Config[S]> }) {
  return settingsOf({ config: configSchema.parse(changes), data: dataFolderAt('/var/lib/weir'), login, inboxPrefix: undefined });
}

test('no change of how videos are made ends the job of the running worker', () => {
  const before = settingsWith({});
  for (const changes of [
    { vod: { source_folders: ['/srv/films'] } },
    { vod: { output_folders: ['/srv/hls'] } },
    { vod: { slots: 3 } },
    { ffmpeg: { ffmpeg: '/opt/ffmpeg' } },
    { log: { level: 'debug' as const } },
  ]) {
    const after = settingsWith(changes);
    assert.notDeepEqual(after, before, JSON.stringify(changes));
    assert.equal(keptWhile(after), keptWhile(before), JSON.stringify(changes));
  }
});

test('a worker that could not reach the hub any more is replaced at once', () => {
  const before = settingsWith({});
  assert.notEqual(keptWhile(settingsWith({ nats: { root: 'other' } })), keptWhile(before));
  assert.notEqual(keptWhile({ ...before, login: { ...login, password: 'another' } }), keptWhile(before));
  assert.notEqual(keptWhile({ ...before, login: { ...login, url: 'nats://127.0.0.1:4333' } }), keptWhile(before));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { formatConfigFile } from './config-file.js';
import { parseVersion } from './version.js';

const ports = { api: 9997, rtsp: 8554, webrtc: 8889, webrtcMedia: 8189, hls: 8888, rtmp: 0, srt: 0 };

function configOf(bind: string, host?: string, text = '1.20.1'): Record<string, unknown> {
  const version = parseVersion(text);
  assert.ok(version !== undefined);
  return parse(formatConfigFile({ version, ports, bind, host, authUrl: 'http://127.0.0.1:1/' })) as Record<string, unknown>;
}

const rows: [string, string, string | undefined, string[]][] = [
  ['on loopback', '127.0.0.1', undefined, ['127.0.0.1']],
  ['on loopback by name', 'localhost', undefined, ['127.0.0.1']],
  ['on loopback of IPv6', '::1', undefined, ['::1']],
  ['on all addresses of the machine', '0.0.0.0', undefined, []],
  ['in a container', '0.0.0.0', '203.0.113.7', ['203.0.113.7']],
  ['behind a name', '0.0.0.0', 'cams.example.org', ['cams.example.org']],
  ['behind an IPv6 address as it stands in links', '::', '[2001:db8::7]', ['2001:db8::7']],
  ['behind a proxy of this machine', '127.0.0.1', '192.0.2.9', ['127.0.0.1', '192.0.2.9']],
  ['when the host is loopback itself', '127.0.0.1', '127.0.0.1', ['127.0.0.1']],
];
for (const [name, bind, host, hosts] of rows) {
  test(`WebRTC offers media where players reach it: ${name}`, () => assert.deepEqual(configOf(bind, host).webrtcAdditionalHosts, hosts));
}

test('nothing is open that was not asked for, and each version is told only what it knows', () => {
  const config = configOf('0.0.0.0');
  assert.deepEqual([config.rtmp, config.srt, config.moq, config.playback, config.metrics], [false, false, false, false, false]);
  assert.deepEqual([config.apiAddress, config.rtspAddress, config.webrtcLocalUDPAddress], ['127.0.0.1:9997', '0.0.0.0:8554', '0.0.0.0:8189']);
  assert.deepEqual([config.authMethod, config.authHTTPExclude], ['http', []]);
  assert.ok(!('moq' in configOf('0.0.0.0', undefined, '1.15.2')));
  assert.equal(configOf('::1').rtspAddress, '[::1]:8554');
});

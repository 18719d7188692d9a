import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SourceProbe, StreamConfig } from '../../contracts/stream.js';
import { captureArgs, captureCommand } from './capture-args.js';
import type { MachineFacts } from './facts.js';
import { parseOutput } from './parse-output.js';
import { planCapture } from './plan.js';
import { parseSource } from './source.js';

const facts: MachineFacts = {
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffprobe',
  version: '5.1.9-0+deb12u1',
  fontFile: undefined,
  encoders: [{ encoder: 'libx264', works: true, reason: undefined, tookMs: 1 }],
  renderNode: undefined,
};

function planOf(config: StreamConfig, container = 'rtsp') {
  const source = parseSource(config.device ?? '', { mediaFolders: [] });
  const probe: SourceProbe = {
    device: '',
    reachable: true,
    container,
    video: { codec: 'h264', width: 640, height: 360 },
    plan: 'copy',
    took_ms: 1,
  };
  return planCapture(config, source, source.kind === 'test' ? undefined : probe, facts);
}

const scripted = (protocols: string, quick = '-fpsprobesize 0 ') =>
  `-f concat -safe 0 -auto_convert 0 -protocol_whitelist pipe,${protocols} ${quick}-i pipe:0`;

describe('a source with secrets is named in a script', () => {
  const rows: [name: string, config: StreamConfig, container: string, args: string, script: string][] = [
    [
      'RTSP with login',
      { device: "rtsp://admin:it's@cam/1" },
      'rtsp',
      scripted('rtp,udp,tcp,tls'),
      "file 'rtsp://admin:it'\\''s@cam/1'|option protocol_whitelist 'rtp,udp,tcp,tls'|option rtsp_transport 'tcp'|option timeout '5000000'|option fpsprobesize '0'",
    ],
    [
      'SRT with passphrase',
      { device: 'srt://h:9?passphrase=0123456789' },
      'mpegts',
      scripted('srt'),
      "file 'srt://h:9?passphrase=0123456789'|option protocol_whitelist 'srt'|option rw_timeout '5000000'|option fpsprobesize '0'|option scan_all_pmts '0'",
    ],
    [
      'RTMP with token',
      { device: 'rtmp://h/app/x?token=geheim' },
      'flv',
      scripted('rtmp,rtmps,tcp,tls'),
      "file 'rtmp://h/app/x?token=geheim'|option protocol_whitelist 'rtmp,rtmps,tcp,tls'|option rtmp_live 'live'|option rw_timeout '5000000'|option fpsprobesize '0'",
    ],
  ];
  for (const [name, config, container, input, script] of rows) {
    test(name, () => {
      const { args, stdin, files, exposed } = captureCommand(planOf(config, container), facts);
      assert.ok(args.join(' ').includes(` ${input} -map `), args.join(' '));
      assert.equal(stdin, `${['ffconcat version 1.0', ...script.split('|')].join('\n')}\n`);
      assert.deepEqual([files, exposed], [[], []]);
    });
  }

  test('paced and decoded as without', () => {
    const { args } = captureCommand(planOf({ device: 'http://u:p12@h/x.m3u8', codec: 'h264' }, 'hls'), facts);
    assert.ok(args.join(' ').includes(`0.1 -re ${scripted('http,https,tcp,tls,crypto', '')} -map`), args.join(' '));
    const live = captureCommand(planOf({ device: 'rtsp://u:p12@h/x', codec: 'h264' }), facts).args.join(' ');
    assert.match(live, /-fpsprobesize 0 -thread_type slice -i pipe:0/);
  });

  test('before version 5 a script has no options: the address and the arguments tell the most needed', () => {
    const old = { ...facts, version: '4.4.2' };
    const rtsp = captureCommand(planOf({ device: 'rtsp://admin:geheim@cam/1', rtsp_transport: 'udp' }), old);
    assert.equal(rtsp.stdin, "ffconcat version 1.0\nfile 'rtsp://admin:geheim@cam/1?udp'\n");
    const http = captureCommand(planOf({ device: 'http://admin:geheim@cam/1.ts' }, 'mpegts'), old);
    assert.match(http.args.join(' '), /-protocol_whitelist pipe,http,https,tcp,tls,crypto -format_whitelist concat,mov,.*,hls,mpjpeg -i pipe:0/);
  });

  test('without secrets everything stands in the arguments', () => {
    for (const device of ['rtsp://cam/1', 'http://h/x.ts?a=1', 'test:']) {
      const plan = planOf({ device });
      assert.deepEqual(captureCommand(plan, facts), { args: captureArgs(plan, facts), stdin: undefined, files: [], exposed: [] });
    }
  });
});

describe('a push target with secrets', () => {
  const commandFor = (outputUrl: string) => captureCommand(planOf({ device: 'test:', output_url: outputUrl }), facts);
  const rows: [url: string, target: string, options: string][] = [
    [
      'rtmp://live.test/app/geheim-key?a=b:c',
      '[f=flv:…]rtmp://live.test/app',
      'flvflags=no_duration_filesize:rw_timeout=5000000:rtmp_app=app:rtmp_playpath=geheim-key?a=b\\:c',
    ],
    [
      'rtmps://h:444/one/two/geheim-key.flv',
      '[f=flv:…]rtmps://h:444/one/two',
      'flvflags=no_duration_filesize:rw_timeout=5000000:rtmp_app=one/two:rtmp_playpath=geheim-key',
    ],
    [
      'srt://h:9?mode=caller&passphrase=a+b:c4567890&pbkeylen=16&token=unknown',
      '[f=mpegts:…]srt://h:9?mode=caller&pbkeylen=16',
      'rw_timeout=5000000:passphrase=a\\ b\\:c4567890',
    ],
  ];
  for (const [url, target, options] of rows) {
    test(`${url} gives them in a preset`, () => {
      const { args, files, exposed } = commandFor(url);
      assert.deepEqual(args.slice(-3, -1), ['-fpre', '/dev/fd/4']);
      const shown = args.at(-1)?.split('pipe:1|')[1];
      assert.equal(shown?.replace(/\[(f=\w+):[^\]]*\]/, '[$1:…]'), target);
      assert.deepEqual(exposed, []);
      const [, once] = /^fifo_options=format_opts=(.*)\n$/.exec(files[0] ?? '') ?? [];
      assert.equal(once?.replace(/\\(.)/g, '$1'), options);
    });
  }

  test('user and password, which no option takes, are told to be covered, with an argument behind them that nobody heeds', () => {
    const { args, files, exposed } = commandFor('rtsp://me:geheim@h:8554/x');
    assert.deepEqual([files, exposed, args.slice(-2)], [[], ['me:geheim', 'geheim'], ['-metadata', 'x=']]);
  });

  test('without secrets nothing is hidden', () => {
    const { args, files, exposed } = commandFor('rtmp://h/app/x');
    assert.deepEqual([files, exposed, args.includes('-fpre')], [[], [], false]);
  });

  test('a key longer than a preset can hold is refused', () => {
    assert.throws(() => parseOutput(`rtmp://h/app/${'k'.repeat(1000)}`), /longer key/);
    assert.doesNotThrow(() => parseOutput(`rtmp://h/app/${'k'.repeat(800)}`));
  });
});

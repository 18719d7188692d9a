import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { ErrorCode } from '../../contracts/errors.js';
import { WeirError } from '../../contracts/errors.js';
import { makeTempFolder, removeFolder } from '../../testkit/index.js';
import { parseOutput } from './parse-output.js';
import { doorOf, parseSource, type SourcePolicy } from './source.js';

const none: SourcePolicy = { mediaFolders: [] };

function codeOf(action: () => unknown): ErrorCode | 'accepted' {
  try {
    action();
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof WeirError, String(error));
    return error.code;
  }
}

describe('parseSource', () => {
  const accepted: [string, object][] = [
    ['test:', { kind: 'test', width: 1280, height: 720, frameRate: 30, hasAudio: false }],
    ['test:?audio=1&size=640x360&fps=25', { kind: 'test', width: 640, height: 360, frameRate: 25, hasAudio: true }],
    ['/dev/video0', { kind: 'v4l2', path: '/dev/video0' }],
    ['/dev/v4l/by-id/usb-Cam_1-video-index0', { kind: 'v4l2', path: '/dev/v4l/by-id/usb-Cam_1-video-index0' }],
    ['rtsp://10.0.0.7/live', { kind: 'rtsp', host: '10.0.0.7', port: 554, url: 'rtsp://10.0.0.7/live', display: 'rtsp://10.0.0.7/live' }],
    ['rtsp://cam:geheim@10.0.0.7:8554/a?x=1', { kind: 'rtsp', port: 8554, display: 'rtsp://***@10.0.0.7:8554/a?x=1', secrets: ['geheim'] }],
    ['RTSPS://Cam.Example/x', { kind: 'rtsp', host: 'cam.example', port: 322 }],
    ['rtmp://h/app/key', { kind: 'rtmp', port: 1935 }],
    ['rtmps://h/app/key', { kind: 'rtmp', port: 443 }],
    ['srt://h:9000?passphrase=0123456789', { kind: 'srt', port: 9000, display: 'srt://h:9000?passphrase=***', secrets: ['0123456789'] }],
    ['srt://0.0.0.0:9000?mode=listener', { kind: 'srt', host: '0.0.0.0', port: 9000 }],
    ['https://h/x.m3u8', { kind: 'http', port: 443 }],
    ['http://[::1]:81/x', { kind: 'http', host: '::1', port: 81 }],
  ];
  for (const [device, expected] of accepted) {
    test(`takes ${device}`, () => {
      const source = parseSource(device, none);
      assert.deepEqual({ ...source, ...expected }, source);
    });
  }

  const refused: [string, ErrorCode][] = [
    ['', 'invalid_argument'],
    ['-i', 'invalid_argument'],
    ['-f lavfi', 'invalid_argument'],
    ['rtsp://h/x\n-y', 'invalid_argument'],
    ['rtsp://h/\u0000x', 'invalid_argument'],
    ['test:?size=9x9', 'invalid_argument'],
    ['test:?fps=0', 'invalid_argument'],
    ['test:?source=/etc/passwd', 'invalid_argument'],
    ['test:/etc/passwd', 'invalid_argument'],
    ['rtsp:', 'invalid_argument'],
    ['rtsp:///x', 'invalid_argument'],
    ['http:h/x', 'invalid_argument'],
    ['srt://h', 'invalid_argument'],
    ['http://allowed\\@evil/', 'invalid_argument'],
    ['rtsp://h:99999/', 'invalid_argument'],
    ['concat:/etc/passwd|/etc/hosts', 'permission_denied'],
    ['CONCAT:/etc/passwd', 'permission_denied'],
    ['subfile,,start,0,end,9,,:/etc/passwd', 'permission_denied'],
    ['data:text/plain;base64,AAAA', 'permission_denied'],
    ['pipe:0', 'permission_denied'],
    ['fd:0', 'permission_denied'],
    ['crypto+file:/etc/passwd', 'permission_denied'],
    ['async:file:/etc/passwd', 'permission_denied'],
    ['tcp://h:1', 'permission_denied'],
    ['udp://h:1', 'permission_denied'],
    ['lavfi:testsrc', 'permission_denied'],
    ['file:/etc/passwd', 'permission_denied'],
    ['file:///etc/passwd', 'permission_denied'],
    ['/etc/passwd', 'permission_denied'],
    ['etc/passwd', 'permission_denied'],
    ['/dev/sda', 'permission_denied'],
    ['/dev/video0/../sda', 'permission_denied'],
    ['/dev/v4l/by-id/..', 'permission_denied'],
    ['/dev/fd/0', 'permission_denied'],
  ];
  for (const [device, code] of refused) {
    test(`refuses ${JSON.stringify(device)}`, () =>
      assert.equal(
        codeOf(() => parseSource(device, none)),
        code,
      ));
  }

  test('the host list holds for the normal form of the address', () => {
    const policy: SourcePolicy = { mediaFolders: [], sourceHosts: ['cam.example', '.lan'] };
    assert.equal(
      codeOf(() => parseSource('rtsp://CAM.example/x', policy)),
      'accepted',
    );
    assert.equal(
      codeOf(() => parseSource('rtsp://a.b.lan/x', policy)),
      'accepted',
    );
    assert.equal(
      codeOf(() => parseSource('rtsp://cam.example@evil.org/x', policy)),
      'permission_denied',
    );
    assert.equal(
      codeOf(() => parseSource('rtsp://evil.org#@cam.example/x', policy)),
      'permission_denied',
    );
    assert.equal(
      codeOf(() => parseSource('rtsp://lan/x', policy)),
      'permission_denied',
    );
  });

  test('whatever is accepted is one safe argument', () => {
    const head = fc.constantFrom('', 'rtsp://', 'http://h', 'srt://h:1', 'file:', 'test:?', '/dev/', '/m/', 'rtmp://u:p@');
    fc.assert(
      fc.property(head, fc.string({ unit: 'binary', maxLength: 40 }), (start, rest) => {
        let source: ReturnType<typeof parseSource>;
        try {
          source = parseSource(start + rest, { mediaFolders: ['/m'], checkFiles: false });
        } catch (error) {
          assert.ok(error instanceof WeirError, String(error));
          return;
        }
        const argument = 'url' in source ? source.url : 'path' in source ? source.path : '';
        // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not pass
        assert.doesNotMatch(argument, /^-|[\u0000-\u001f]/);
        if (source.kind === 'file') assert.ok(source.path.startsWith('/m/') && !source.path.includes('/../'), source.path);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseSource with files', () => {
  let folder = '';
  let policy: SourcePolicy = none;
  before(async () => {
    folder = await makeTempFolder('source');
    await mkdir(join(folder, 'media/inner'), { recursive: true });
    await mkdir(join(folder, 'media-not'));
    await writeFile(join(folder, 'media/inner/a:b, [c].mp4'), 'x');
    await writeFile(join(folder, 'media-not/secret.mp4'), 'x');
    await symlink(join(folder, 'media-not/secret.mp4'), join(folder, 'media/out.mp4'));
    await symlink(join(folder, 'media-not'), join(folder, 'media/outdir'));
    await symlink('inner/a:b, [c].mp4', join(folder, 'media/in.mp4'));
    await symlink(join(folder, 'media'), join(folder, 'link'));
    policy = { mediaFolders: [join(folder, 'media')] };
  });
  after(() => removeFolder(folder));

  const rows: [string, ErrorCode | 'accepted'][] = [
    ['media/inner/a:b, [c].mp4', 'accepted'],
    ['media/in.mp4', 'accepted'],
    ['link/in.mp4', 'accepted'],
    ['media/../media/in.mp4', 'accepted'],
    ['media/out.mp4', 'permission_denied'],
    ['media/outdir/secret.mp4', 'permission_denied'],
    ['media-not/secret.mp4', 'permission_denied'],
    ['media/../media-not/secret.mp4', 'permission_denied'],
    ['media/gone.mp4', 'not_found'],
    ['media/inner', 'invalid_argument'],
    ['media', 'permission_denied'],
  ];
  for (const [path, code] of rows) {
    test(`${path}: ${code}`, () =>
      assert.equal(
        codeOf(() => parseSource(join(folder, '.').concat(`/${path}`), policy)),
        code,
      ));
  }

  test('names relative to a media folder and file: addresses lead to the real file', () => {
    const wanted = join(folder, 'media/inner/a:b, [c].mp4');
    for (const device of ['in.mp4', `file://${folder}/media/in.mp4`, `file:${folder}/link/inner/a%3Ab,%20%5Bc%5D.mp4`]) {
      const source = parseSource(device, policy);
      assert.equal(source.kind === 'file' && source.path, wanted, device);
    }
    assert.equal(
      codeOf(() => parseSource('../media-not/secret.mp4', policy)),
      'permission_denied',
    );
  });
});

test('parseOutput takes push targets and nothing else', () => {
  assert.equal(parseOutput('rtmp://live.example/app/s3cretkey').display, 'rtmp://live.example/app/***');
  assert.deepEqual(parseOutput('rtmp://live.example/app/s3cretkey').secrets, ['s3cretkey']);
  assert.equal(parseOutput('rtsp://u:pass@h/x').display, 'rtsp://***@h/x');
  for (const url of ['http://h/x', '/tmp/x.mp4', 'file:/tmp/x', 'tee:x', 'pipe:1', '-y', 'srt://h', 'rtmp://']) {
    assert.equal(
      codeOf(() => parseOutput(url)),
      'invalid_argument',
      url,
    );
  }
});

test('a malformed address does not tell its password', () => {
  for (const device of ['rtsp://u:se#cret@h/x', 'rtsp://u:se cret@h', 'srt://u:secret@h', 'rtsp://u:sec\\ret@h/']) {
    assert.throws(
      () => parseSource(device, none),
      (error: unknown) => error instanceof WeirError && !JSON.stringify(error.toProblem()).includes('cret'),
      device,
    );
  }
});

test('doorOf names what can be watched', () => {
  const door = (device: string) => doorOf(parseSource(device, none));
  assert.deepEqual(door('rtsp://h/x'), { kind: 'tcp', host: 'h', port: 554 });
  assert.deepEqual(door('/dev/video3'), { kind: 'path', path: '/dev/video3' });
  assert.deepEqual(door('srt://h:9'), { kind: 'none' });
  assert.deepEqual(door('test:'), { kind: 'none' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkDevicePath, fillTemplate, formatCommand, splitCommand } from './command.js';

const values = { devicePath: '/dev/video0', rtspPort: 8554, pathName: 'camera0', publisher: { user: 'weir', password: 'p-w_1' } };

test('whatever the words, the text is split into the same words', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 6 }), (words) => {
      const clean = words.map((word) => word.replaceAll(/[$\p{Cc}]/gu, ''));
      assert.deepEqual(splitCommand(formatCommand(clean)), clean);
    }),
  );
});

test('words that quoting cannot carry are refused', () => {
  for (const word of ['$MTX_QUERY', `a$${'{HOME}'}b`, 'line\nend', 'zero\0byte', 'bell\u0007']) {
    assert.throws(() => formatCommand(['ffmpeg', word]), { code: 'invalid_argument' }, JSON.stringify(word));
  }
});

// Each row was seen to be split so by the library that MediaMTX uses.
const splits: [string, string[]][] = [
  ['a b', ['a', 'b']],
  ['  a\t b \n c ', ['a', 'b', 'c']],
  [`'a b' "c d"`, ['a b', 'c d']],
  [`a'b c'd`, ['ab cd']],
  [`''`, ['']],
  [`"a\\"b"`, ['a"b']],
  [`"a\\nb"`, ['a\\nb']],
  [`a\\ b`, ['a b']],
  [`'\\'`, ['\\']],
  ['a\\\nb', ['ab']],
  ['a; rm -rf / | b && c > d `e`', ['a;', 'rm', '-rf', '/', '|', 'b', '&&', 'c', '>', 'd', '`e`']],
];

test('commands are split as MediaMTX splits them', () => {
  for (const [text, words] of splits) assert.deepEqual(splitCommand(text), words, text);
  for (const text of [`'open`, `"open`, 'end\\']) assert.throws(() => splitCommand(text), { code: 'invalid_argument' }, text);
});

test('the template of older camera services works, with credentials added', () => {
  const template =
    'ffmpeg -f v4l2 -i {device_path} -c:v libx264 -profile:v baseline -level 3.0 -pix_fmt yuv420p -preset ultrafast -b:v 600k -f rtsp rtsp://127.0.0.1:{rtsp_port}/{path_name}';
  const words = fillTemplate(template, values);
  assert.deepEqual(words.slice(0, 5), ['ffmpeg', '-f', 'v4l2', '-i', '/dev/video0']);
  assert.equal(words.at(-1), 'rtsp://weir:p-w_1@127.0.0.1:8554/camera0');
});

test('a value cannot become a word, and a template cannot smuggle in what a reader wrote', () => {
  const devicePath = '/dev/x -i /etc/passwd';
  assert.deepEqual(fillTemplate('run {device_path} {path_name}', { ...values, devicePath }), ['run', devicePath, 'camera0']);
  for (const template of ['run $MTX_QUERY', `run $${'{MTX_QUERY}'}`, 'run {mtx_query}', '', "run 'open"]) {
    assert.throws(() => fillTemplate(template, values), { code: 'invalid_argument' }, template);
  }
});

test('only device nodes are devices', () => {
  for (const path of ['/dev/video0', '/dev/v4l/by-id/usb-046d_HD_Pro-video-index0']) assert.equal(checkDevicePath(path), path);
  for (const path of [
    '/etc/passwd',
    '/dev/../etc/passwd',
    '/dev/video0 -f x',
    '/dev/video0;id',
    '/dev/$HOME',
    '/dev/video0\n',
    '/dev/',
    "/dev/a'b",
  ]) {
    assert.throws(() => checkDevicePath(path), { code: 'invalid_argument' }, path);
  }
});

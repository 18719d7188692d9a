import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskSecrets, maskUrl } from './mask.js';

const rows: [string, string][] = [
  ['[error] rtsp://admin:geheim@10.0.0.7/live: 401', '[error] rtsp://***@10.0.0.7/live: 401'],
  ['rtsp://admin@10.0.0.7/', 'rtsp://***@10.0.0.7/'],
  ['rtsp://u:p@ss@h/x', 'rtsp://***@h/x'],
  ['http://h/x?token=abc&b=1&api_key=k', 'http://h/x?token=***&b=1&api_key=***'],
  ['srt://h:9?streamid=publish:a:secret&passphrase=0123456789', 'srt://h:9?streamid=***&passphrase=***'],
  [`rtsp://u:it's"p@h/x`, 'rtsp://***@h/x'],
  [`srt://h:9?passphrase=it's1&x=1`, 'srt://h:9?passphrase=***&x=1'],
  ['two rtsp://a:b@c/d and rtmp://e:f@g/h', 'two rtsp://***@c/d and rtmp://***@g/h'],
  ['mail me@example.org, time 12:00:00, frame=1', 'mail me@example.org, time 12:00:00, frame=1'],
  ['http://h/p@th?x=1', 'http://h/p@th?x=1'],
];
for (const [text, masked] of rows) {
  test(`masks ${text}`, () => assert.equal(maskSecrets(text), masked));
}

test('exact secrets are hidden wherever they stand, longest first', () => {
  assert.equal(maskSecrets('Opening key1234 and key12', ['key12', 'key1234']), 'Opening *** and ***');
});

test('no password or token survives in a URL, and masking twice changes nothing', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9!$%&()*+,;=._~-]{6,20}$/);
  const text = fc.stringMatching(/^[a-z ]{0,10}$/);
  const scheme = fc.constantFrom('rtsp', 'rtsps', 'rtmp', 'http', 'https', 'srt');
  const parameter = fc.constantFrom('token', 'password', 'auth', 'access_token', 'sig', 'apikey');
  fc.assert(
    fc.property(text, scheme, secret, secret, parameter, text, (before, kind, password, token, name, after) => {
      const safe = token.replaceAll(/[&;]/g, 'x');
      const line = `${before}${kind}://user:${password}@host.example/path?${name}=${safe} ${after}`;
      const masked = maskSecrets(line);
      assert.ok(!masked.includes(`:${password}@`) && !masked.includes(`=${safe} `), masked);
      assert.ok(masked.startsWith(before) && masked.endsWith(after) && masked.includes('host.example/path'), masked);
      assert.equal(maskSecrets(masked), masked);
    }),
  );
});

for (const [text, masked] of [
  [`rtsp://u:it's@h/x`, 'rtsp://***@h/x'],
  ['rtsp://u@h/x?a=1', 'rtsp://***@h/x?a=1'],
  [`srt://h:9?mode=caller&passphrase=it's;all=secret`, 'srt://h:9?mode=caller&passphrase=***'],
  ['http://h/x?a=1&a=2#t', 'http://h/x?a=1&a=2#t'],
  ['http://h/x', 'http://h/x'],
] as const) {
  test(`the address ${text} is shown as ${masked}`, () => assert.equal(maskUrl(new URL(text)), masked));
}

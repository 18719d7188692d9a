import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isMasked } from './mask.js';
import { maskDevice, maskOutputUrl, restoreAddress } from './masked-address.js';

describe('an address is shown without its secrets', () => {
  for (const [device, shown] of [
    ['test:?audio=1', 'test:?audio=1'],
    ['/dev/video0', '/dev/video0'],
    ['clips/a@b.mp4', 'clips/a@b.mp4'],
    ['RTSP://Cam.Example/x', 'RTSP://Cam.Example/x'],
    ['rtsp://admin:geheim@cam/x', 'rtsp://***@cam/x'],
    ['http://cam/x?token=geheim&a=1', 'http://cam/x?token=***&a=1'],
    ['srt://h:9?mode=caller&passphrase=0123456789', 'srt://h:9?mode=caller&passphrase=***'],
  ] as const) {
    test(device, () => assert.equal(maskDevice(device), shown));
  }
  test('rtmp://live.example/app/geheim-key', () => assert.equal(maskOutputUrl('rtmp://live.example/app/geheim-key'), 'rtmp://live.example/app/***'));
});

describe('a shown address that comes back is filled in', () => {
  for (const [name, given, stored, expected] of [
    ['unchanged', 'rtsp://***@cam/x', 'rtsp://admin:geheim@cam/x', 'rtsp://admin:geheim@cam/x'],
    ['unchanged, as it was written', 'rtsp://***@CAM/x', 'RTSP://admin:geheim@CAM/x', 'RTSP://admin:geheim@CAM/x'],
    ['other path', 'rtsp://***@cam/y?z=1', 'rtsp://admin:geheim@cam/x', 'rtsp://admin:geheim@cam/y?z=1'],
    ['other login', 'rtsp://me:mine@cam/x', 'rtsp://admin:geheim@cam/x', 'rtsp://me:mine@cam/x'],
    ['other server gets nothing', 'rtsp://***@evil/x', 'rtsp://admin:geheim@cam/x', 'rtsp://***@evil/x'],
    ['other port gets nothing', 'rtsp://***@cam:1/x', 'rtsp://admin:geheim@cam/x', 'rtsp://***@cam:1/x'],
    ['other protocol gets nothing', 'http://***@cam/x', 'rtsp://admin:geheim@cam/x', 'http://***@cam/x'],
    ['token with another parameter', 'http://cam/x?a=2&token=***', 'http://cam/x?token=geheim&a=1', 'http://cam/x?a=2&token=geheim'],
    ['key', 'rtmp://live/app2/***', 'rtmp://live/app/geheim-key', 'rtmp://live/app2/geheim-key'],
    ['nothing stored', 'rtsp://***@cam/x', undefined, 'rtsp://***@cam/x'],
    ['no address stored', 'rtsp://***@cam/x', 'test:', 'rtsp://***@cam/x'],
  ] as const) {
    test(name, () => assert.equal(restoreAddress(given, stored), expected));
  }
});

test('what is shown is never taken for the thing itself, and always finds back', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9!$&'()*+,;=._~-]{6,20}$/);
  fc.assert(
    fc.property(secret, secret, (user, password) => {
      const device = `rtsp://${user}:${password}@cam.example/live`;
      const shown = maskDevice(device);
      assert.ok(!shown.includes(password) && isMasked(shown));
      assert.equal(restoreAddress(shown, device), device);
    }),
  );
});

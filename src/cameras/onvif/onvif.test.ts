/** ONVIF against a device that behaves like real ones do, well and badly. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { type FakeOnvifOptions, startFakeOnvif } from '../testing/fake-onvif.js';
import { parseOnvifAddress } from './address.js';
import { chooseProfile, createOnvif, type Onvif } from './find.js';
import { answerChallenge, parseChallenge } from './http-digest.js';
import { usernameToken } from './username-token.js';
import { escapeXml, parseXml, textAt } from './xml.js';

const policy = { mediaFolders: [] };
const credentials = { username: 'admin', password: 'p<&>"ä 1' };
const calm = new AbortController().signal;
const withCode =
  (code: string, pattern = /./) =>
  (error: unknown) =>
    error instanceof WeirError && error.code === code && pattern.test(error.message);

async function withDevice<T>(
  options: FakeOnvifOptions,
  work: (onvif: Onvif, device: Awaited<ReturnType<typeof startFakeOnvif>>) => Promise<T>,
): Promise<T> {
  await using device = await startFakeOnvif(options);
  return await work(createOnvif({ probe: { address: '127.0.0.1', port: device.probePort, interfaces: ['127.0.0.1'] }, policy }), device);
}

describe('an ONVIF camera', () => {
  const good: [string, FakeOnvifOptions][] = [
    ['without a login', {}],
    ['with a token', { credentials }],
    ['whose clock is a year ahead', { credentials, clockOffsetMs: 365 * 86_400_000 }],
    ['whose clock stands in 1970', { credentials, clockOffsetMs: -Date.now() }],
    ['that wants a login even for its clock', { credentials, hidesClock: true, clockOffsetMs: -86_400_000 }],
    ['that wants one, and does not tell the time at all', { credentials, hidesClock: true, hasNoDate: true }],
    ['that mistakes its zone', { credentials, clockOffsetMs: 600_000, clockLieMs: 7_200_000 }],
    ['that mistakes its zone, and has the right time', { credentials, clockLieMs: -3_600_000, hasNoDate: true }],
    ['that forgets its challenge', { credentials, authentication: 'http-digest', isForgetful: true }],
    ['whose Media2 knows another word', { credentials, hasMedia2: true, media2Word: 'RtspUnicast' }],
    ['with odd prefixes', { credentials, prefixes: 'odd' }],
    ['without prefixes', { credentials, prefixes: 'none' }],
    ['that asks for HTTP digest', { credentials, authentication: 'http-digest' }],
    ['that asks for HTTP digest with SHA-256', { credentials, authentication: 'http-digest-sha256' }],
    ['that knows GetCapabilities only', { credentials, isOld: true }],
    ['that offers Media2', { credentials, hasMedia2: true }],
    ['behind an address translation', { credentials, believedHost: '10.9.8.7' }],
  ];
  for (const [name, options] of good) {
    it(`${name} is resolved to its best profile`, async () => {
      await withDevice(options, async (onvif, device) => {
        const found = await onvif.resolve(device.source, options.credentials ?? {}, undefined, calm);
        const login = options.credentials === undefined ? '' : 'admin:p%3C%26%3E%22%C3%A4%201@';
        assert.equal(found.device, `rtsp://${login}127.0.0.1:8554/main?unicast=1&proto=Onvif`);
        assert.equal(found.source, device.source);
        assert.equal(found.name, 'Acme Eye & Ear');
        assert.deepEqual(found.capabilities.formats[0], {
          pixel_format: 'h264',
          description: options.hasMedia2 === true ? 'Main & best 2' : 'Main & best',
          sizes: [{ width: 1920, height: 1080, frame_rates: [25] }],
        });
        assert.equal(found.capabilities.formats.length, 2);
        assert.ok(!device.bodies.some((body) => body.includes('p&#60;') || body.includes('p<&>')), 'the password itself is never sent');
      });
    });
  }

  it('that does not tell its name to this user is taken all the same', async () => {
    await withDevice({ refuses: ['GetDeviceInformation'] }, async (onvif, device) => {
      const found = await onvif.resolve(device.source, {}, undefined, calm);
      assert.equal(found.name, `127.0.0.1:${device.port}`);
      assert.match(found.device, /\/main\?/);
    });
  });

  it('whose Media2 gives no address is asked by Media1', async () => {
    const media2Word = 'none' as 'RTSP';
    await withDevice({ hasMedia2: true, media2Word }, async (onvif, device) => {
      assert.equal((await onvif.resolve(device.source, {}, undefined, calm)).capabilities.formats[0]?.description, 'Main & best');
    });
  });

  it('is shown a wrong password once where the clocks agree, so that no user is locked', async () => {
    await withDevice({ credentials }, async (onvif, device) => {
      await assert.rejects(onvif.resolve(device.source, { username: 'admin', password: 'wrong' }, undefined, calm));
      assert.equal(device.calls.filter((call) => call.startsWith('!')).length, 1, device.calls.join());
    });
  });

  it('that has the wished size is taken at it', async () => {
    await withDevice({}, async (onvif, device) => {
      const found = await onvif.resolve(device.source, {}, '640x360', calm);
      assert.match(found.device, /\/sub\?/);
      assert.equal(found.hasWishedSize, true);
      assert.equal((await onvif.resolve(device.source, {}, '800x600', calm)).hasWishedSize, false);
    });
  });

  const refused: [string, FakeOnvifOptions, object][] = [
    ['with a wrong password', { credentials }, { username: 'admin', password: 'wrong' }],
    ['with a wrong password over HTTP', { credentials, authentication: 'http-digest' }, { username: 'admin', password: 'wrong' }],
    ['without a password', { credentials }, {}],
    ['without a password over HTTP', { credentials, authentication: 'http-digest' }, {}],
  ];
  for (const [name, options, given] of refused) {
    it(`${name} is refused by the field`, async () => {
      await withDevice(options, async (onvif, device) => {
        await assert.rejects(onvif.resolve(device.source, given, undefined, calm), (error: unknown) => {
          assert.ok(error instanceof WeirError);
          assert.deepEqual([error.code, error.errors[0]?.field, error.errors[0]?.received], ['invalid_argument', 'password', '***']);
          return true;
        });
      });
    });
  }

  const broken: [NonNullable<FakeOnvifOptions['fault']>, string, RegExp][] = [
    ['garbage', 'unavailable', /no SOAP|as an ONVIF/],
    ['html', 'unavailable', /as an ONVIF device/],
    ['doctype', 'unavailable', /no SOAP/],
    ['huge', 'payload_too_large', /more than/],
    ['slow', 'deadline_exceeded', /did not answer/],
    ['closes', 'unavailable', /cannot be reached/],
    ['404', 'unavailable', /no ONVIF at/],
  ];
  for (const [fault, code, pattern] of broken) {
    it(`that answers with ${fault} is ${code}`, async () => {
      await withDevice({ fault }, async (onvif, device) => {
        await assert.rejects(onvif.resolve(device.source, credentials, undefined, calm), withCode(code, pattern));
        const found = await onvif.find({ address: `127.0.0.1:${device.port}`, timeoutMs: 100, signal: calm });
        assert.deepEqual([found.items.length, found.errors.length], [0, 1]);
      });
    });
  }

  it('that leads elsewhere is not followed', async () => {
    let visits = 0;
    const elsewhere = createServer((_request, response) => {
      visits += 1;
      response.end();
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const address = elsewhere.address();
    const redirectTo = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
    try {
      await withDevice({ fault: 'redirect', redirectTo }, async (onvif, device) => {
        await assert.rejects(onvif.resolve(device.source, credentials, undefined, calm), withCode('unavailable', /leads elsewhere/));
      });
      assert.equal(visits, 0);
    } finally {
      elsewhere.close();
    }
  });

  it('is let go when the caller gives up', async () => {
    await withDevice({ fault: 'slow' }, async (onvif, device) => {
      const power = new AbortController();
      const work = onvif.resolve(device.source, {}, undefined, power.signal);
      setImmediate(() => power.abort());
      await assert.rejects(work, withCode('cancelled'));
    });
  });
});

describe('the search for ONVIF cameras', () => {
  it('finds a camera by its answer, with profiles once credentials are given', async () => {
    await withDevice({ credentials }, async (onvif, device) => {
      const bare = await onvif.find({ timeoutMs: 300, signal: calm });
      assert.deepEqual(bare, {
        items: [{ name: 'Gate Ünit', kind: 'onvif', source: device.source, address: '127.0.0.1', hardware: 'EYE-1' }],
        errors: [],
      });
      const full = await onvif.find({ timeoutMs: 300, signal: calm, ...credentials });
      assert.deepEqual(full.errors, []);
      assert.deepEqual(full.items[0]?.profiles?.[0], {
        name: 'Main & best',
        source: 'rtsp://127.0.0.1:8554/main?unicast=1&proto=Onvif',
        codec: 'h264',
        width: 1920,
        height: 1080,
        frame_rate: 25,
      });
      assert.equal(full.items[0]?.hardware, 'Eye & Ear');
      const wrong = await onvif.find({ timeoutMs: 300, signal: calm, username: 'admin', password: 'wrong' });
      assert.equal(wrong.items.length, 1);
      assert.match(wrong.errors[0] ?? '', /does not take/);
    });
  });

  const answers: [string, (id: string, xaddr: string) => string][] = [
    ['to another question', (_id, xaddr) => match('urn:uuid:other', xaddr)],
    ['of garbage', () => '\u0000\u0001<<<'],
    ['with a document type', (id, xaddr) => `<!DOCTYPE a>${match(id, xaddr)}`],
    ['that names files', (id) => match(id, 'file:///etc/passwd gopher://x/')],
    ['without addresses', (id) => match(id, '')],
  ];
  for (const [name, probeAnswer] of answers) {
    it(`takes an answer ${name} for none`, async () => {
      await withDevice({ probeAnswer }, async (onvif, device) => {
        assert.deepEqual(await onvif.find({ timeoutMs: 200, signal: calm }), { items: [], errors: [] });
        assert.deepEqual(device.calls, []);
      });
    });
  }

  it('takes the port from a link-local address with a zone, where there is no other', async () => {
    const probeAnswer = (id: string, xaddr: string) => match(id, xaddr.replace('127.0.0.1', '[fe80::1%25eth0]'));
    await withDevice({ probeAnswer }, async (onvif, device) => {
      const { items } = await onvif.find({ timeoutMs: 300, signal: calm });
      assert.deepEqual(
        items.map(({ source }) => source),
        [device.source],
      );
    });
  });

  it('asks only the host that answered, whatever address it names', async () => {
    await withDevice({ believedHost: '192.0.2.1' }, async (onvif, device) => {
      const found = await onvif.find({ timeoutMs: 300, signal: calm });
      assert.equal(found.items[0]?.source, device.source);
      assert.ok(device.calls.includes('GetProfiles'));
    });
  });

  it('leaves hosts alone that sources may not name', async () => {
    await using device = await startFakeOnvif();
    const probe = { address: '127.0.0.1', port: device.probePort, interfaces: ['127.0.0.1'] };
    const onvif = createOnvif({ probe, policy: { mediaFolders: [], sourceHosts: ['.example.org'] } });
    assert.deepEqual(await onvif.find({ timeoutMs: 200, signal: calm }), { items: [], errors: [] });
    await assert.rejects(onvif.find({ timeoutMs: 200, signal: calm, address: '127.0.0.1' }), withCode('permission_denied'));
    await assert.rejects(onvif.resolve(device.source, {}, undefined, calm), withCode('permission_denied'));
    assert.deepEqual(device.calls, []);
  });

  it('tells of a network that cannot be asked', async () => {
    const onvif = createOnvif({ probe: { address: '127.0.0.1', port: 1, interfaces: ['192.0.2.77'] }, policy });
    const { items, errors } = await onvif.find({ timeoutMs: 50, signal: calm });
    assert.deepEqual([items.length, errors.length], [0, 1]);
  });
});

function match(id: string, xaddrs: string): string {
  return `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Header><RelatesTo>${id}</RelatesTo></e:Header><e:Body><ProbeMatches><ProbeMatch><XAddrs>${xaddrs}</XAddrs></ProbeMatch></ProbeMatches></e:Body></e:Envelope>`;
}

describe('the parts of ONVIF', () => {
  it('an address is read, and refused when it is none', () => {
    const rows: [string, string, string][] = [
      ['onvif://cam', 'http://cam/onvif/device_service', 'onvif://cam'],
      ['ONVIF://CAM:8000', 'http://cam:8000/onvif/device_service', 'onvif://cam:8000'],
      ['cam.lan:8000', 'http://cam.lan:8000/onvif/device_service', 'onvif://cam.lan:8000'],
      ['onvif://cam/other', 'http://cam/other', 'onvif://cam/other'],
      ['onvif://cam:443', 'https://cam/onvif/device_service', 'onvif://cam:443'],
      ['onvif://u:p%40@cam', 'http://cam/onvif/device_service', 'onvif://cam'],
      ['onvif://[::1]:80', 'http://[::1]/onvif/device_service', 'onvif://[::1]'],
    ];
    for (const [text, service, source] of rows) {
      const read = parseOnvifAddress(text, policy, 'source');
      assert.deepEqual([read.service.href, read.source], [service, source], text);
    }
    assert.equal(parseOnvifAddress('onvif://u:p%40@cam', policy, 'source').password, 'p@');
    for (const text of ['onvif://', 'onvif:///path', 'http://cam', 'onvif://a b', 'onvif://a\\b', 'onvif://cam:99999', 'gopher://x']) {
      assert.throws(() => parseOnvifAddress(text, policy, 'source'), withCode('invalid_argument'), text);
    }
  });

  it('a token is the digest of nonce, time and password', () => {
    const token = usernameToken('a<b', 'userpassword', new Date('2010-09-16T07:50:45Z'), Buffer.from('LKqI6G/AikKCQrN0zqZFlg==', 'base64'));
    assert.match(token, /<wsse:Username>a&#60;b</);
    // SHA-1 of nonce, "2010-09-16T07:50:45.000Z" and the password.
    assert.match(token, /PasswordDigest">[A-Za-z0-9+/]{27}=</);
    assert.ok(!token.includes('userpassword'));
  });

  it('a digest is that of the example in RFC 7616', () => {
    const nonce = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
    const head = (algorithm: string) =>
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${nonce}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
    const request = {
      method: 'GET',
      path: '/dir/index.html',
      username: 'Mufasa',
      password: 'Circle of Life',
      cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    };
    const md5 = parseChallenge([head('MD5')]);
    const sha = parseChallenge([head('MD5'), head('SHA-256')]);
    assert.ok(md5 !== undefined && sha !== undefined);
    assert.match(answerChallenge(md5, request), /response="8ca523f5e9506fed4657c9700eebdbec"/);
    assert.match(answerChallenge(sha, request), /response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"/);
  });

  it('a challenge that cannot be answered is none', () => {
    for (const header of [
      'Basic realm="x"',
      'Digest realm="x"',
      'Digest nonce="x"',
      'Digest realm="x", nonce="y", algorithm=MD4',
      'Digest realm="x", nonce="y", qop="auth-int"',
      '',
    ]) {
      assert.equal(parseChallenge([header]), undefined, header);
    }
  });

  it('entities are those of XML only, and nothing is expanded', () => {
    assert.equal(textAt(parseXml('<a:b xmlns:a="x"><c>1 &lt; 2 &amp;lt; &#65;&#x42; &nope;</c></a:b>'), 'b', 'c'), '1 < 2 &lt; AB &nope;');
    assert.equal(escapeXml('<&>"\''), '&#60;&#38;&#62;&#34;&#39;');
    for (const text of ['<!DOCTYPE a><a/>', '<!doctype a><a/>', '<a><!ENTITY x "y"></a>'])
      assert.throws(() => parseXml(text), withCode('unavailable'), text);
    // Deep enough to end a careless recursion.
    assert.throws(() => textAt(parseXml(`${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}`), 'b') ?? assert.fail('no b'), /no SOAP|no b/);
  });

  it('the profile is one that browsers play, the largest up to 1080p', () => {
    const profile = (codec: string, width: number, height: number) => ({
      name: `${codec} ${width}`,
      uri: 'rtsp://x/',
      codec,
      width,
      height,
      frameRate: 25,
    });
    const rows: [ReturnType<typeof profile>[], string | undefined][] = [
      [[profile('h265', 3840, 2160), profile('h264', 640, 360), profile('h264', 1920, 1080)], 'h264 1920'],
      [[profile('h264', 3840, 2160), profile('h264', 640, 360)], 'h264 640'],
      [[profile('h264', 3840, 2160)], 'h264 3840'],
      [[profile('jpeg', 640, 480), profile('h265', 1280, 720)], 'h265 1280'],
      [[], undefined],
    ];
    for (const [profiles, expected] of rows) assert.equal(chooseProfile(profiles, undefined)?.name, expected);
    assert.equal(chooseProfile([profile('h264', 1920, 1080), profile('jpeg', 640, 480)], '640x480')?.name, 'jpeg 640');
  });
});

/** Streams of others, found on loopback addresses of this machine and named by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { configSchema, WeirError } from '../../contracts/index.js';
import { assertWithin, waitFor } from '../../testkit/index.js';
import { h264Sdp, startFakeRtsp } from '../testing/fake-rtsp.js';
import { admin, bound, type CameraBench, calm, input, startCameraBench } from '../testing/fixture.js';
import { addressesOf, parseRange } from './ranges.js';
import { openRtsp, readSdp } from './rtsp-probe.js';
import { type ScanSettings, scan } from './scan.js';

const defaults = configSchema.parse({}).external_discovery;
const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const limits = { connectMs: 500, answerMs: 300, signal: calm.signal };

function scanFor(bench: CameraBench, body: object = {}) {
  return bench.cameras.operations.scan_external_streams(admin, input('scan_external_streams', { body }), calm);
}

function name(bench: CameraBench, stream_url: string, rest: object = {}) {
  return bench.cameras.operations.add_external_stream(
    admin,
    input('add_external_stream', { body: { stream_url, stream_name: 'Drone', ...rest } }),
    calm,
  );
}

async function listOf(bench: CameraBench, session = admin) {
  return (await bench.cameras.operations.list_external_streams(session, input('list_external_streams', {}), calm)).items;
}

describe('a scan', () => {
  const settings = (extra: Partial<ScanSettings>): ScanSettings => ({ ...defaults, skydio_ranges: [], scan_timeout_s: 10, ...extra });

  it('finds the two pictures of a drone, and other servers by the first path that plays', async () => {
    await using eo = await startFakeRtsp({ host: '127.0.0.3', paths: { '/subject': h264Sdp } });
    await using ir = await startFakeRtsp({ host: '127.0.0.3', paths: { '/infrared': h264Sdp } });
    await using other = await startFakeRtsp({ host: '127.0.0.4', paths: { '/stream': h264Sdp }, hangsUp: true });
    await using locked = await startFakeRtsp({ host: '127.0.0.5', port: other.port, paths: { '/': 401 } });
    const report = await scan(
      settings({
        skydio_ranges: ['127.0.0.0/29'],
        skydio_eo_port: eo.port,
        skydio_ir_port: ir.port,
        generic_ranges: ['127.0.0.0/29'],
        generic_ports: [other.port],
      }),
      { skydio: true, generic: true },
      calm.signal,
    );
    assert.deepEqual(report.errors, []);
    assert.deepEqual(
      report.found.map(({ url, type, capabilities }) => [url, type, capabilities.stream_type, capabilities.codec, capabilities.metadata]),
      [
        [`rtsp://127.0.0.3:${eo.port}/subject`, 'skydio_stanag4609', 'eo', 'h264', 'smpte336m'],
        [`rtsp://127.0.0.3:${ir.port}/infrared`, 'skydio_stanag4609', 'ir', 'h264', 'smpte336m'],
        [`rtsp://127.0.0.4:${other.port}/stream`, 'generic_rtsp', undefined, 'h264', 'smpte336m'],
        [`rtsp://127.0.0.5:${other.port}/`, 'generic_rtsp', undefined, undefined, undefined],
      ].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
    );
    assert.deepEqual(locked.requests, ['OPTIONS /', 'DESCRIBE /']);
  });

  it('ends at its limit, and says what it did not reach', async () => {
    await using silent = await startFakeRtsp({ host: '0.0.0.0', fault: 'silent' });
    const startedAt = performance.now();
    const report = await scan(
      settings({ generic_ranges: ['127.0.1.0/24'], generic_ports: [silent.port], max_concurrent: 4, scan_timeout_s: 1 }),
      { skydio: false, generic: true },
      calm.signal,
    );
    await assertWithin(performance.now() - startedAt, 3000, 'the scan of a second');
    assert.match(report.errors[0] ?? '', /^The scan ended after 1 s: \d+ of 254 addresses/);
    assert.ok(silent.peak <= 4, `${silent.peak} at once`);
  });

  it('says which ranges it cannot scan, and scans the others', async () => {
    await using one = await startFakeRtsp({ host: '127.0.0.9', paths: { '/': h264Sdp } });
    const report = await scan(
      settings({ generic_ranges: ['10.0.0.0/8', 'nonsense', '127.0.0.9/32'], generic_ports: [one.port] }),
      { skydio: false, generic: true },
      calm.signal,
    );
    assert.equal(report.found.length, 1);
    assert.deepEqual(report.errors, ['10.0.0.0/8: is wider than /20', 'nonsense: is no network; write for example 192.168.42.0/24']);
  });

  it('stops when it is told to', async () => {
    await using silent = await startFakeRtsp({ host: '0.0.0.0', fault: 'silent' });
    const power = new AbortController();
    const work = scan(settings({ generic_ranges: ['127.0.2.0/24'], generic_ports: [silent.port] }), { skydio: false, generic: true }, power.signal);
    await waitFor(() => silent.requests.length > 0);
    power.abort();
    assert.deepEqual((await work).found, []);
  });
});

describe('an RTSP server', () => {
  for (const fault of ['silent', 'http', 'garbage', 'endless'] as const) {
    it(`that is ${fault} is none`, async () => {
      await using server = await startFakeRtsp({ fault });
      assert.equal(await openRtsp({ host: '127.0.0.1', port: server.port }, limits), undefined);
    });
  }

  it('that nobody runs is none', async () => {
    const { port } = await startFakeRtsp().then(async (server) => {
      await server[Symbol.asyncDispose]();
      return server;
    });
    assert.equal(await openRtsp({ host: '127.0.0.1', port }, limits), undefined);
    assert.equal(await openRtsp({ host: '127.0.0.1', port }, { ...limits, signal: AbortSignal.abort() }), undefined);
  });

  it('is described by its session', () => {
    const rows: [string, ReturnType<typeof readSdp>][] = [
      [h264Sdp, { video: 'h264', audio: undefined, data: 'smpte336m' }],
      ['m=video 0 RTP/AVP 26', { video: 'jpeg', audio: undefined, data: undefined }],
      ['m=video 5004/2 RTP/AVP 33\nm=audio 0 RTP/AVP 0', { video: 'mp2t', audio: 'pcmu', data: undefined }],
      ['m=audio 0 RTP/AVP 96\na=rtpmap:96 MPEG4-GENERIC/48000', { video: undefined, audio: 'mpeg4-generic', data: undefined }],
      ['', { video: undefined, audio: undefined, data: undefined }],
      ['a=rtpmap:96 H264/90000', { video: undefined, audio: undefined, data: undefined }],
    ];
    for (const [sdp, expected] of rows) assert.deepEqual(readSdp(sdp), expected, sdp);
  });
});

it('a range has the hosts of its network', () => {
  const rows: [string, number, string | undefined, string | undefined][] = [
    ['192.168.42.0/24', 254, '192.168.42.1', '192.168.42.254'],
    ['192.168.42.77/30', 2, '192.168.42.77', '192.168.42.78'],
    ['10.1.16.0/20', 4094, '10.1.16.1', '10.1.31.254'],
    ['10.0.0.4/31', 2, '10.0.0.4', '10.0.0.5'],
    ['10.0.0.4', 1, '10.0.0.4', '10.0.0.4'],
    ['255.255.255.255/32', 1, '255.255.255.255', '255.255.255.255'],
  ];
  for (const [text, count, first, last] of rows) {
    const all = [...addressesOf(parseRange(text))];
    assert.deepEqual([all.length, all[0], all.at(-1)], [count, first, last], text);
  }
  for (const text of ['', '10.0.0.0/19', '10.0.0.0/33', '10.0.0.256', '10.0.0/24', '::1/128', '10.0.0.0/a', 'host']) {
    assert.throws(() => parseRange(text), withCode('invalid_argument'), text);
  }
});

describe('streams of others', () => {
  it('are kept as they were seen, and become cameras when they are named', async () => {
    let server = await startFakeRtsp({ host: '127.0.0.6', paths: { '/live': h264Sdp } });
    const external = { enabled: true, skydio_ranges: [], generic_ranges: ['127.0.0.6/32'], generic_ports: [server.port] };
    await using bench = await startCameraBench({ external });
    const first = await scanFor(bench, { generic_enabled: true });
    assert.deepEqual([first.total_found, first.generic_streams.length, first.skydio_streams.length, first.errors], [1, 1, 0, []]);
    assert.match(first.scan_duration, /^\d+\.\ds$/);
    const [found] = first.discovered_streams;
    assert.deepEqual([found?.status, found?.camera_id, found?.capabilities.codec], ['DISCOVERED', null, 'h264']);
    const url = found?.url ?? '';
    const added = await name(bench, url, { stream_type: 'skydio_stanag4609' });
    assert.deepEqual([added.camera_id, added.name, added.type, added.discovered_at], ['camera0', 'Drone', 'skydio_stanag4609', found?.discovered_at]);
    assert.deepEqual([bench.cameras.get('camera0')?.kind, bench.cameras.get('camera0')?.status], ['external', 'CONNECTED']);
    await assert.rejects(name(bench, url), withCode('already_exists'));

    await server[Symbol.asyncDispose]();
    assert.equal((await scanFor(bench, { generic_enabled: true, force_rescan: true })).total_found, 0);
    const offline = await scanFor(bench, { generic_enabled: true, force_rescan: true, include_offline: true, skydio_enabled: true });
    assert.deepEqual(
      offline.discovered_streams.map((one) => [one.url, one.name, one.type]),
      [[url, 'Drone', 'skydio_stanag4609']],
    );
    await bench.until('camera0', (one) => one.status === 'DISCONNECTED');
    server = await startFakeRtsp({ host: '127.0.0.6', port: server.port, paths: { '/live': h264Sdp } });
    assert.equal((await scanFor(bench, { generic_enabled: true, force_rescan: true })).discovered_streams[0]?.status, 'DISCOVERED');
    await server[Symbol.asyncDispose]();

    await bench.restart();
    assert.equal((await listOf(bench))[0]?.camera_id, 'camera0');
    assert.deepEqual(
      (await listOf(bench, bound)).map((one) => one.url),
      [url],
      'the camera is one of his',
    );
    await bench.cameras.operations.remove_external_stream(admin, input('remove_external_stream', { query: { stream_url: url } }), calm);
    assert.deepEqual([await listOf(bench), bench.cameras.list()], [[], []]);
    assert.deepEqual(bench.complaints, []);
  });

  it('with a login show none of it, and are found again by either spelling', async () => {
    await using server = await startFakeRtsp({ paths: { '/live': h264Sdp } });
    await using bench = await startCameraBench({ external: { enabled: true } });
    const added = await name(bench, `rtsp://pilot:fly1234@127.0.0.1:${server.port}/live`);
    assert.deepEqual([added.url, added.status], [`rtsp://127.0.0.1:${server.port}/live`, 'DISCOVERED']);
    assert.match(bench.streams.owned.stored('camera0')?.config.device ?? '', /pilot:fly1234@/);
    assert.ok(!JSON.stringify([await listOf(bench), bench.cameras.list(), bench.events]).includes('fly1234'));
    const remove = (stream_url: string) =>
      bench.cameras.operations.remove_external_stream(admin, input('remove_external_stream', { query: { stream_url } }), calm);
    await remove(`rtsp://pilot:fly1234@127.0.0.1:${server.port}/live`);
    await assert.rejects(remove(`rtsp://127.0.0.1:${server.port}/live`), withCode('not_found'));
  });

  it('stay in the list when only their camera is deleted', async () => {
    await using server = await startFakeRtsp({ paths: { '/live': h264Sdp } });
    await using bench = await startCameraBench({ external: { enabled: true } });
    await name(bench, `rtsp://127.0.0.1:${server.port}/live`);
    await bench.cameras.operations.delete_camera(admin, input('delete_camera', { params: { camera_id: 'camera0' } }), calm);
    assert.deepEqual(
      (await listOf(bench)).map((one) => one.camera_id),
      [null],
    );
  });

  it('are refused when switched off, malformed, forbidden or without the right', async () => {
    await using off = await startCameraBench();
    for (const work of [scanFor(off), name(off, 'rtsp://127.0.0.1/x')]) {
      await assert.rejects(work, (error: unknown) => {
        assert.ok(error instanceof WeirError);
        assert.deepEqual([error.code, error.facts], ['unsupported', { feature: 'external_discovery' }]);
        return true;
      });
    }
    assert.deepEqual(await listOf(off), []);
    await using on = await startCameraBench({ external: { enabled: true }, policy: { mediaFolders: [], sourceHosts: ['allowed'] } });
    const rows: [string, string][] = [
      ['http://allowed/x', 'invalid_argument'],
      ['nonsense', 'invalid_argument'],
      ['file:///etc/passwd', 'invalid_argument'],
      ['rtsp://', 'invalid_argument'],
      ['rtsp://other/x', 'permission_denied'],
    ];
    for (const [url, code] of rows) {
      await assert.rejects(name(on, url), (error: unknown) => {
        assert.ok(error instanceof WeirError);
        assert.deepEqual([url, error.code, error.errors[0]?.field], [url, code, 'stream_url']);
        return true;
      });
    }
    const operations = on.cameras.operations;
    await assert.rejects(operations.scan_external_streams(bound, input('scan_external_streams', {}), calm), withCode('permission_denied'));
    assert.deepEqual(on.cameras.list(), []);
  });

  it('are scanned for by the clock, from the moment it is set, and at the start', async () => {
    await using server = await startFakeRtsp({ host: '127.0.0.7', paths: { '/': h264Sdp } });
    const external = { enabled: true, skydio_ranges: [], generic_known_hosts: ['127.0.0.7'], generic_ports: [server.port], startup_scan: true };
    await using bench = await startCameraBench({ external });
    await waitFor(() => server.requests.length === 2, { what: 'the scan at the start' });
    const set = (scan_interval: number) =>
      bench.cameras.operations.set_scan_interval(admin, input('set_scan_interval', { body: { scan_interval } }), calm);
    assert.deepEqual(await set(1), { scan_interval: 1 });
    await waitFor(() => server.requests.length >= 6, { what: 'two more scans' });
    await set(0);
    const { scan_interval } = await bench.cameras.operations.list_external_streams(admin, input('list_external_streams', {}), calm);
    assert.equal(scan_interval, 0);
    await bench.restart();
    assert.equal(
      (await bench.cameras.operations.list_external_streams(admin, input('list_external_streams', {}), calm)).scan_interval,
      0,
      'it outlives a restart',
    );
  });

  it('follow settings that change: on, elsewhere, by the clock, and off', async () => {
    await using server = await startFakeRtsp({ host: '127.0.0.9', paths: { '/': h264Sdp } });
    await using bench = await startCameraBench();
    const off = { ...defaults, skydio_ranges: [], generic_ports: [server.port] };
    const configure = (external: Partial<typeof defaults>) =>
      bench.cameras.configure({ settings: { auto_start_streams: true, max: 64 }, external: { ...off, ...external } });
    await assert.rejects(scanFor(bench), withCode('unsupported'));
    configure({ enabled: true });
    assert.equal((await scanFor(bench, { generic_enabled: true })).total_found, 0);
    configure({ enabled: true, generic_known_hosts: ['127.0.0.9'] });
    assert.equal((await scanFor(bench, { generic_enabled: true })).total_found, 1, 'no answer from before the change');
    configure({ enabled: true, generic_known_hosts: ['127.0.0.9'], scan_interval: 1 });
    await waitFor(() => server.requests.length >= 6, { what: 'two more scans' });
    configure({ generic_known_hosts: ['127.0.0.9'], scan_interval: 1 });
    await assert.rejects(scanFor(bench), withCode('unsupported'));
    const { scan_interval } = await bench.cameras.operations.list_external_streams(admin, input('list_external_streams', {}), calm);
    assert.equal(scan_interval, 1);
  });

  it('scans for the same are one', async () => {
    await using server = await startFakeRtsp({ host: '127.0.0.8', paths: { '/': h264Sdp } });
    await using bench = await startCameraBench({
      external: { enabled: true, skydio_ranges: [], generic_known_hosts: ['127.0.0.8'], generic_ports: [server.port] },
    });
    const all = await Promise.all(Array.from({ length: 5 }, () => scanFor(bench, { generic_enabled: true })));
    assert.ok(all.every((one) => one.total_found === 1));
    assert.deepEqual(server.requests, ['OPTIONS /', 'DESCRIBE /']);
    await scanFor(bench, { generic_enabled: true, force_rescan: true });
    assert.equal(server.requests.length, 4);
  });
});

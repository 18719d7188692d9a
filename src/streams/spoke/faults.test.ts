/** The spoke against an FFmpeg that misbehaves in every way a program can. Real broker, fake FFmpeg. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FakeFfmpeg, makeFakeFfmpeg } from '../../testkit/fake-ffmpeg.js';
import { makeTempFolder, removeFolder, waitFor } from '../../testkit/index.js';
import { assertNoLeaks, countResources } from '../../testkit/leak-check.js';
import { isPicture, isSlate, plainFacts, startTestbed, type Testbed } from './testing/testbed.js';

const test_ = { device: 'test:' };
/** Marks the runs for the source among all; the slate is drawn by another filter. */
const sourceOnly = 'testsrc';

let folder: string;
let fake: FakeFfmpeg;

before(async () => {
  folder = await makeTempFolder('faults');
  fake = await makeFakeFfmpeg(folder);
});
after(() => removeFolder(folder));

async function bed(): Promise<Testbed> {
  return startTestbed({ facts: plainFacts(fake.path), limits: { healthyAfterMs: 500, retry: { crashDelayMs: 60_000 } } });
}

test('start, configure and stop by plain requests; everything is freed', async () => {
  const resources = countResources();
  {
    await using it = await bed();
    await fake.play({});
    assert.equal((await it.statusNow()).state, 'stopped');
    const nothing = await it.command('start');
    assert.equal(nothing.ok, false);
    assert.equal(nothing.error?.code, 'failed_precondition');

    const started = await it.command('start', test_);
    assert.deepEqual([started.ok, started.action, started.will_blink], [true, 'start', false]);
    const running = await it.status((status) => status.state === 'running');
    assert.ok((running.pid ?? 0) > 1 && running.started_at !== undefined);
    assert.equal(running.restarts, 0);
    assert.equal(running.video?.width, 320);
    await it.media(isPicture);

    await waitFor(() => it.heard.progress.some((one) => one.fps > 20 && one.bitrate_kbps > 0 && one.total_size_bytes > 0 && one.frame > 0), {
      deadlineMs: 5000,
    });
    await waitFor(() => it.heard.metrics.some((one) => (one.rss_bytes ?? 0) > 0 && one.keyframe_age_ms !== undefined && one.fps !== undefined));

    const stopped = await it.command('stop');
    assert.deepEqual([stopped.ok, stopped.state], [true, 'stopped']);
    assert.deepEqual([(await it.statusNow()).state, (await it.statusNow()).reason], ['stopped', 'requested']);
    const count = it.heard.metrics.length;
    await it.command('start');
    await it.status((status) => status.state === 'running', { fromMs: performance.now() - 5 });
    assert.ok(it.heard.metrics.length - count <= 5);
  }
  await assertNoLeaks(resources);
});

test('what is wrong with a command is said field by field, and nothing changes', async () => {
  await using it = await bed();
  await fake.play({});
  await it.command('start', test_);
  await it.status((status) => status.state === 'running');
  const rows: [string, object, string][] = [
    ['configure', { config: { device: 'ftp://x/y' } }, 'config.device'],
    ['configure', { config: { device: 'test:', output_url: 'file:///etc/passwd' } }, 'config.output_url'],
    ['configure', { config: { device: 'test:', resolution: 'big' } }, 'config.resolution'],
    ['configure', { config: { device: 'test:', encoder: 'h264_nvenc' } }, 'config.encoder'],
    ['configure', { config: { device: 'test:', colour: 'red' } }, 'config.colour'],
    ['configure', {}, 'config'],
    ['start', { stream_id: 'other' }, 'stream_id'],
    ['dance', {}, 'action'],
  ];
  for (const [action, more, field] of rows) {
    const result = await it.command(action, undefined, more);
    assert.equal(result.ok, false, field);
    assert.ok(
      result.error?.errors?.some((entry) => entry.field === field),
      `${field}: ${JSON.stringify(result.error)}`,
    );
  }
  assert.equal((await it.statusNow()).state, 'running');
  assert.equal((await it.statusNow()).restarts, 0);
});

test('a change that does not concern FFmpeg restarts nothing; one that does keeps the old picture until the new one is there', async () => {
  await using it = await bed();
  await fake.play({});
  await it.command('start', test_);
  const before = await it.media(isPicture);
  const same = await it.command('configure', { ...test_, frozen_after_s: 30 });
  assert.deepEqual([same.ok, same.will_blink], [true, false]);

  await fake.play({ startDelayMs: 700 });
  const fromMs = performance.now();
  const changed = await it.command('configure', { ...test_, bitrate: 500 });
  assert.deepEqual([changed.ok, changed.will_blink, changed.state], [true, true, 'running']);
  const next = await it.media((media) => isPicture(media) && media.epoch !== before.epoch, { fromMs });
  const bridged = it.heard.media.filter((media) => media.epoch === before.epoch && media.atMs > fromMs && media.atMs < next.atMs);
  assert.ok(bridged.length >= 10, `${bridged.length} fragments of the old picture meanwhile`);
  assert.ok(!it.heard.media.some(isSlate));
  assert.ok(it.heard.statuses.every((status) => status.atMs < fromMs || status.state === 'running'));
  assert.equal((await it.statusNow()).restarts, 0, 'somebody asked for it');
  // Nothing of the old run may follow the new epoch.
  await it.media((media) => media.epoch === next.epoch && media.sequence > 5);
  assert.ok(it.heard.media.filter((media) => media.atMs > next.atMs).every((media) => media.epoch === next.epoch));
});

test('the log of a stream tells its life in a few lines, without secrets', async () => {
  await using it = await bed();
  await fake.play({ match: sourceOnly, fragments: 20, end: 'freeze' });
  await it.command('start', test_);
  await it.media(isPicture);
  await fake.play({});
  await waitFor(() => it.heard.log.some((line) => /^Back after/.test(line.message)), { what: 'the return', deadlineMs: 10_000 });
  await it.command('configure', { ...test_, output_url: 'rtmp://127.0.0.1:9/live/hunter22' });
  await it.command('stop');
  await waitFor(() => it.heard.log.some((line) => /^Stopped/.test(line.message)), { what: 'the stop' });
  const told = it.heard.log.filter((line) => line.origin === 'spoke').map((line) => line.message);
  const expected = [
    /^Told to start by a command$/,
    /^Encoding the video with libx264: \w/,
    /^First picture after \d+ ms$/,
    /^Source lost \(source_silent\): \w/,
    // What is left of it when it is told: a tenth of a second at most.
    /^Retry in 0(?:\.1)? s/,
    /^Back after [\d.]+ s$/,
    /^Told to configure by a command$/,
    /^Told to stop by a command$/,
    /^Stopped \(requested\)$/,
  ];
  let from = 0;
  for (const pattern of expected) {
    const at = told.findIndex((message, index) => index >= from && pattern.test(message));
    assert.ok(at >= 0, `${pattern} is missing in\n${told.join('\n')}`);
    from = at + 1;
  }
  assert.ok(told.length <= expected.length + 6, told.join('\n'));
  assert.doesNotMatch(JSON.stringify(it.heard.log), /hunter22/);
});

test('an FFmpeg that is held is not waited for as long as a slow one', async () => {
  await using it = await bed();
  await fake.play({});
  await it.command('start', test_);
  const { pid = 0 } = await it.status((status) => status.state === 'running');
  process.kill(pid, 'SIGSTOP');
  const { error } = await it.status((status) => status.reason === 'source_silent');
  assert.match(error ?? '', /stopped from outside/);
  const again = await it.status((status) => status.state === 'running' && status.pid !== pid);
  assert.equal(again.restarts, 1);
});

test('a machine that is slow to start is given the time that it was allowed, and no more', async () => {
  const limits = { retry: { crashDelayMs: 60_000 }, startGraceMs: 700 };
  await using it = await startTestbed({ facts: plainFacts(fake.path), limits });
  await fake.play({ match: sourceOnly, fragments: 0, end: 'freeze' });
  const beganMs = performance.now();
  await it.command('start', test_);
  const { error } = await it.status((status) => status.reason === 'source_silent');
  assert.match(error ?? '', /No picture within 0\.7 s of the start/);
  assert.ok(performance.now() - beganMs >= 700);
});

const endings: { name: string; scenario: Parameters<FakeFfmpeg['play']>[0]; reason?: string }[] = [
  { name: 'exit 0', scenario: { fragments: 20, end: 'exit', exitCode: 0 } },
  { name: 'exit 1 with a last word', scenario: { fragments: 20, end: 'exit', exitCode: 1, stderr: '[in#0 @ 0x1] [error] something broke\n' } },
  { name: 'a crash', scenario: { fragments: 20, end: 'crash' } },
  { name: 'silence', scenario: { fragments: 20, end: 'freeze' }, reason: 'source_silent' },
  {
    name: 'silence and deafness to signals',
    scenario: { fragments: 20, end: 'freeze', ignoreSignals: ['SIGINT', 'SIGTERM'] },
    reason: 'source_silent',
  },
  { name: 'garbage on stdout', scenario: { fragments: 20, end: 'garbage' }, reason: 'source_garbage' },
];

for (const { name, scenario, reason } of endings) {
  test(`after ${name}: slate, alert, then the picture again`, async () => {
    await using it = await bed();
    await fake.play({ ...scenario, match: sourceOnly });
    await it.command('start', test_);
    await it.media(isPicture);
    await fake.play({});
    const failed = await it.status((status) => status.state === 'error');
    if (reason !== undefined) assert.equal(failed.reason, reason);
    assert.ok((failed.error ?? '').length > 5);
    const running = await it.status((status) => status.state === 'running' && (status.restarts ?? 0) > 0, { fromMs: failed.atMs });
    assert.equal(running.no_signal, undefined);
    await it.media(isPicture, { fromMs: running.atMs });
    await waitFor(() => it.heard.alerts.some((alert) => alert.cleared === true), { what: 'the end of the alert', deadlineMs: 8000 });
    const kinds = it.heard.alerts.map((alert) => `${alert.kind}${alert.cleared === true ? ' cleared' : ''}`);
    assert.deepEqual(kinds, [failed.reason, `${failed.reason} cleared`]);
  });
}

test('an FFmpeg that keeps failing is a crash loop; a start by hand ends it', async () => {
  await using it = await startTestbed({ facts: plainFacts(fake.path), limits: { retry: { baseDelayMs: 20, maxDelayMs: 20 } } });
  await fake.play({ match: sourceOnly, fragments: 3, end: 'garbage' });
  await it.command('start', test_);
  const loop = await it.status((status) => status.reason === 'crash_loop', { deadlineMs: 20_000 });
  assert.equal(loop.state, 'error');
  assert.ok((loop.restarts ?? 0) >= 4 && loop.next_attempt_at !== undefined);
  await it.media(isSlate, { fromMs: loop.atMs });
  assert.deepEqual([...new Set(it.heard.alerts.map((alert) => alert.kind))], ['source_garbage', 'crash_loop']);
  await fake.play({});
  await it.command('stop');
  await it.command('start');
  await it.status((status) => status.state === 'running' && status.restarts === 0, { fromMs: loop.atMs });
});

test('a flood on stderr is let through at 50 lines per second, and counted', async () => {
  await using it = await bed();
  await fake.play({ floodLinesPerSecond: 5000 });
  await it.command('start', test_);
  await it.media(isPicture);
  const suppressed = await waitFor(() => it.heard.log.filter((line) => /lines suppressed/.test(line.message)).length >= 3, { deadlineMs: 8000 });
  assert.ok(suppressed);
  const bySecond = new Map<string, number>();
  for (const line of it.heard.log) bySecond.set(line.timestamp.slice(0, 19), (bySecond.get(line.timestamp.slice(0, 19)) ?? 0) + 1);
  // A second of the clock may touch two of the gate's.
  assert.ok(Math.max(...bySecond.values()) <= 100);
  assert.equal((await it.statusNow()).state, 'running');
});

test('a slow start is waited for', async () => {
  await using it = await bed();
  await fake.play({ startDelayMs: 3000 });
  await it.command('start', test_);
  await it.status((status) => status.state === 'running');
  const trail = it.heard.statuses.map((status) => status.state).filter((state, index, all) => state !== all[index - 1] && state !== 'stopped');
  assert.deepEqual(trail, ['starting', 'running']);
});

test('a missing FFmpeg is named, and retried slowly', async () => {
  await using it = await startTestbed({ facts: plainFacts('/nonexistent/ffmpeg') });
  await it.command('start', test_);
  const failed = await it.status((status) => status.reason === 'ffmpeg_missing');
  assert.equal(failed.state, 'error');
  assert.equal((await it.command('stop')).state, 'stopped');
});

test('publishing for another stream is refused by the broker', async () => {
  await using it = await bed();
  const thief = await it.broker.connect('spoke', { inboxPrefix: '_INBOX_spoke' });
  const refused = (async () => {
    for await (const status of thief.status()) if (status.type === 'error') return String(status.error);
    return '';
  })();
  thief.publish('videonode.stream.s2.status', '{}');
  assert.match(await refused, /[Pp]ermission/);
});

test('a hardware encoder that fails gives way to software at once, without an alert', async () => {
  const works = { works: true, reason: undefined, tookMs: 1 };
  const facts = {
    ...plainFacts(fake.path),
    renderNode: '/dev/dri/renderD128',
    encoders: [
      { encoder: 'h264_vaapi' as const, ...works },
      { encoder: 'libx264' as const, ...works },
    ],
  };
  await using it = await startTestbed({ facts });
  await fake.play({
    match: 'h264_vaapi',
    fragments: 0,
    end: 'exit',
    stderr: '[vost#0:0 @ 0x1] [error] Error while opening encoder for output stream #0:0\n',
  });
  await it.command('start', test_);
  const running = await it.status((status) => status.state === 'running');
  assert.deepEqual([running.encoder, running.restarts], ['libx264', 1]);
  await it.media(isPicture);
  assert.deepEqual(it.heard.alerts, []);
  assert.ok(!it.heard.statuses.some((status) => status.state === 'error'));
});

import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { videoProfileSchema } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { ScriptedHub, tinyProfile } from './testing/scripted-hub.js';

const outputs = (hub: ScriptedHub) => readdir(join(hub.folder, 'outputs'));

test('a job from its ticket to its place, told step by step; a hub that is away for a while is told again', async () => {
  await using hub = await ScriptedHub.start();
  const order = hub.order(await hub.source(2));
  const deaf = new Map([
    ['publish', 1],
    ['done', 1],
  ]);
  hub.open = () => ({ outcome: 'granted', order });
  hub.answer = (report) => {
    const left = deaf.get(report.kind) ?? 0;
    deaf.set(report.kind, left - 1);
    return left > 0 ? undefined : { verdict: 'go_on' };
  };
  await hub.worker();
  await hub.ticket();
  await hub.ticketsDone();
  const kinds = hub.reports.map((report) => report.kind).filter((kind) => kind !== 'renew' && kind !== 'playable' && kind !== 'command');
  assert.deepEqual(kinds, ['facts', 'publish', 'publish', 'done', 'done']);
  assert.ok(hub.reports.every((report) => report.revision === 1 && report.worker_id === 'w1'));
  assert.deepEqual(await outputs(hub), ['clip']);
  assert.equal(hub.claims.length, 1);
  assert.deepEqual(
    [...new Set(hub.progress.map(({ phase }) => phase))],
    ['waiting', 'probing', 'planning', 'encoding', 'packaging', 'checking', 'publishing'],
  );
  const done = await hub.told('done');
  assert.ok(done.cost.cpu_s >= 0 && done.cost.wall_s > 0 && done.cost.written_bytes > 0);
});

test('a source with damaged pictures becomes a video, with a warning', async () => {
  await using hub = await ScriptedHub.start();
  const source = await hub.source(4);
  const bytes = await readFile(source);
  // One byte in a while, between the head and what tells where the pictures are.
  const from = bytes.indexOf('mdat') + 3000;
  for (let at = from; at < bytes.length * 0.8; at += 997) bytes[at] = (bytes[at] ?? 0) ^ 0x55;
  await writeFile(source, bytes);
  hub.open = () => ({ outcome: 'granted', order: hub.order(source) });
  await hub.worker();
  await hub.ticket();
  await hub.told('done');
  const warned = hub.reports.flatMap((report) => (report.kind === 'facts' ? [report.facts.warnings] : []));
  assert.match(warned.at(-1)?.at(-1) ?? '', /^At least \d+ pictures are damaged$/);
});

test('a worker whose job is another’s by now stops at once and leaves nothing', async () => {
  await using hub = await ScriptedHub.start();
  const order = hub.order(await hub.source(60), { profile: { ...tinyProfile, preset: 'placebo' } });
  hub.open = () => ({ outcome: 'granted', order });
  await hub.worker({ renewMs: 100 });
  await hub.ticket();
  await waitFor(() => hub.progress.some(({ phase, percent }) => phase === 'encoding' && percent > 2), { what: 'an encode' });
  hub.answer = () => ({ verdict: 'stop', reason: 'the job is another worker’s' });
  await hub.ticketsDone();
  assert.deepEqual(await outputs(hub), []);
  assert.ok(!hub.reports.some((report) => report.kind === 'failed' || report.kind === 'publish'));
});

test('without leave to publish nothing is put in place', async () => {
  await using hub = await ScriptedHub.start();
  const order = hub.order(await hub.source(1));
  hub.open = () => ({ outcome: 'granted', order });
  hub.answer = (report) => (report.kind === 'publish' ? { verdict: 'stop', reason: 'the job was cancelled' } : { verdict: 'go_on' });
  await hub.worker();
  await hub.ticket();
  await hub.told('publish');
  await hub.ticketsDone();
  assert.deepEqual(await outputs(hub), []);
  assert.ok(!hub.reports.some((report) => report.kind === 'done' || report.kind === 'failed'));
});

test('tickets that open nothing are acknowledged; one that is for later comes again', async () => {
  await using hub = await ScriptedHub.start();
  const replies = [{ outcome: 'later', retry_in_ms: 50 }, { outcome: 'nothing' }, { outcome: 'dead', detail: 'unreadable' }] as const;
  hub.open = () => replies[hub.claims.length - 1] ?? { outcome: 'nothing' };
  await hub.worker();
  await hub.ticket();
  await waitFor(() => hub.claims.length === 2, { what: 'the second delivery' });
  await hub.ticket();
  await waitFor(() => hub.claims.length === 3);
  await hub.ticketsDone();
  assert.deepEqual(
    hub.claims.map(({ ticket }) => [ticket?.sequence, ticket?.delivery]),
    [
      [1, 1],
      [1, 2],
      [2, 1],
    ],
  );
});

/** An FFmpeg that makes passed-through pictures half a second long, and with `all` encoded ones too; it ends well, as the real one would. */
async function shorteningFfmpeg(hub: ScriptedHub, all: boolean): Promise<string> {
  const path = join(hub.folder, 'ffmpeg-that-shortens');
  const encoded = all ? `a="\${a//trim=end_frame=50/trim=end_frame=12}"` : ':';
  const loop = `for a in "$@"; do ${encoded}; args+=("$a"); if [ "$last $a" = "-c:v copy" ]; then args+=(-t 0.5); fi; last="$a"; done`;
  await writeFile(path, `#!/bin/bash\nargs=()\n${loop}\nexec ffmpeg "\${args[@]}"\n`, { mode: 0o755 });
  return path;
}

test('a step that was passed through and is not sound is encoded; a result that is not sound even then is no matter of attempts', async () => {
  await using hub = await ScriptedHub.start();
  const source = await hub.source(2);
  const profile = videoProfileSchema.parse({ ...tinyProfile, renditions: [{ name: '90p', height: 90, video_kbps: 2000 }] });
  hub.open = () => ({ outcome: 'granted', order: hub.order(source, { profile }) });
  const mended = await hub.worker({}, await shorteningFfmpeg(hub, false));
  await hub.ticket();
  const { output } = await hub.told('done');
  assert.deepEqual(
    output.renditions.map(({ encoder, frames }) => [encoder, frames]),
    [['libx264', 50]],
  );
  await waitFor(() => hub.log.some(({ level, message }) => level === 'warning' && message.includes('now everything is encoded')));
  await hub.ticketsDone();
  await mended.stop();
  await hub.worker({}, await shorteningFfmpeg(hub, true));
  await hub.ticket();
  const { failure } = await hub.told('failed');
  assert.deepEqual([failure.reason, failure.permanent], ['duration_mismatch', true]);
  assert.match(failure.detail, /90p\.m3u8 lasts .* instead of 2\.000 s\. Nothing was published\. .*make a new file of it/);
  assert.match(failure.command ?? '', /ffmpeg-that-shortens .*-f hls/);
  await hub.ticketsDone();
});

test('paths outside of its folders are refused, whoever orders them', async () => {
  await using hub = await ScriptedHub.start();
  const source = await hub.source(1);
  const rows = [
    { source_path: '/etc/passwd' },
    { source_path: source, output_path: '/tmp/elsewhere', staging_path: '/tmp/.elsewhere.r1' },
    { source_path: join(hub.folder, 'sources', '..', '..', 'x.mp4') },
  ];
  await hub.worker();
  for (const [index, row] of rows.entries()) {
    hub.open = () => ({ outcome: 'granted', order: hub.order(source, { job_id: `job-${index}`, ...row }) });
    await hub.ticket();
    await waitFor(() => hub.reports.filter((report) => report.kind === 'failed').length === index + 1, { what: JSON.stringify(row) });
  }
  const failures = hub.reports.flatMap((report) => (report.kind === 'failed' ? [report.failure] : []));
  assert.deepEqual(
    failures.map(({ reason, permanent }) => [reason, permanent]),
    [
      ['path_not_allowed', true],
      ['path_not_allowed', true],
      ['source_missing', true],
    ],
  );
  assert.deepEqual(await outputs(hub), []);
});

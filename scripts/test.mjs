/**
 * Everything that guards a release, cheap first: format and lint, types, generated documents, unit, contract and integration tests, end to end.
 *   node scripts/test.mjs [part of a test file's path ...]   runs only these test files
 * A file that fails beside others is run once more, alone, when all others are done: what passes then is told as unsteady, with its name.
 * Ends with every named skip and its reason, and the line `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import report from './test-reporter.mjs';
import { summarise } from './test-summary.mjs';

const only = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: [], failures: [], unsteady: [] };
/** More files than these do not fail by chance. */
const maxRepeated = 3;

const checks = [
  ['format and lint', ['node_modules/@biomejs/biome/bin/biome', 'ci', '--colors=off', '.']],
  ['types of the web pages', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.ui.json']],
  ['generated documents', ['dist/apps/docs.js', '--check']],
];

function testFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return /\.test\.m?js$/.test(entry.name) ? [path] : [];
  });
}

function runNode(args) {
  return new Promise((resolve) => {
    spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] }).on('close', (code) => resolve(code ?? 1));
  });
}

async function check(title, args) {
  process.stdout.write(`\n# ${title}\n`);
  if ((await runNode(args)) === 0) totals.passed += 1;
  else {
    totals.failed += 1;
    totals.failures.push({ name: title });
  }
}

async function runTests(title, files, concurrency) {
  process.stdout.write(`\n# ${title} (${files.length} files, ${concurrency} at a time)\n`);
  const events = run({ files, concurrency, timeout: 600_000 });
  const summary = summarise(events);
  for await (const text of events.compose(report)) process.stdout.write(text);
  return summary;
}

function count(summary) {
  totals.passed += summary.passed;
  totals.failed += summary.failed;
  totals.skipped.push(...summary.skipped);
  totals.failures.push(...summary.failures);
}

/** Machines are shared: what failed when everything ran at once gets one more chance by itself, and is named whatever comes of it. */
async function repeatFailed() {
  const files = new Set(totals.failures.map(({ file }) => file));
  if (files.has(undefined) || files.size === 0 || files.size > maxRepeated) return;
  const first = totals.failures;
  const again = await runTests('once more, alone', [...files], 1);
  totals.failed = again.failed;
  totals.failures = again.failures;
  totals.unsteady = first.filter(({ name, file }) => !again.failures.some((failure) => failure.name === name && failure.file === file));
  totals.passed += totals.unsteady.length;
}

/** Those that last longest, the longest first: begun last, one of them would keep the whole run waiting. A name that is gone does no harm. */
const longest = [
  ...[
    'e2e/faults-recording-clock',
    'e2e/videos-revisions',
    'e2e/containers',
    'e2e/hot-plug',
    'e2e/faults-recording.',
    'e2e/gateway',
    'e2e/videos-chunks',
  ],
  ...['e2e/videos-kill', 'e2e/settings', 'e2e/recordings', 'e2e/rpc', 'e2e/videos-ui', 'e2e/videos-faults', 'e2e/interface', 'e2e/faults-broker'],
  ...['e2e/faults-clock', 'e2e/faults-viewer', 'e2e/cameras-ui', 'e2e/tour'],
  ...['gateways/mediamtx/gateway', 'streams/spoke/sources', 'streams/spoke/outages-http', 'streams/spoke/outages-rtsp', 'recordings/hub/recordings'],
  ...[
    'media/hls/forms',
    'vod/queue/postgres',
    'media/ffmpeg/capture',
    'store/postgres',
    'media/hls/chromium',
    'media/vod/encode',
    'vod/queue/faults',
  ],
  ...['streams/spoke/faults', 'streams/hub/media', 'streams/spoke/secrets', 'recordings/spoke/kill', 'recordings/hub/upkeep'],
  ...['recordings/spoke/spoke', 'recordings/hub/chromium', 'apps/up', 'http/rpc/server', 'streams/hub/control', 'streams/spoke/recorder'],
  ...['media/vod/chunks', 'media/hls/output', 'media/hls/validate', 'media/vod/inspect'],
];
const rank = (file) => {
  const at = longest.findIndex((name) => file.startsWith(join('dist', name)));
  return at === -1 ? longest.length : at;
};

const wanted = (file) => only.length === 0 || only.some((part) => file.includes(part));
const isEndToEnd = (file) => file.startsWith(join('dist', 'e2e')) || file.startsWith('examples');
const files = [...testFiles('dist'), ...testFiles('examples')].filter(wanted).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));

if (only.length === 0) for (const [title, args] of checks) await check(title, args);
const [endToEnd, others] = [files.filter(isEndToEnd), files.filter((file) => !isEndToEnd(file))];
// Most of them wait most of the time: for a source to be missed, a process to be started again, a file to be whole.
if (others.length > 0) count(await runTests('unit, contract and integration', others, 3));
if (endToEnd.length > 0) count(await runTests('end to end', endToEnd, 2));
if (only.length === 0) await repeatFailed();

for (const { name, reason } of totals.skipped) process.stdout.write(`skipped: ${name}: ${reason}\n`);
for (const { name, file } of totals.unsteady)
  process.stdout.write(`unsteady, failed beside others and passed alone: ${name} (${relative('.', file)})\n`);
for (const { name } of totals.failures) process.stdout.write(`failed: ${name}\n`);
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped.length} skipped\n`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;

/**
 * Everything that guards a release, cheap first: format and lint, types, generated documents, unit, contract and integration tests, end to end.
 *   node scripts/test.mjs [part of a test file's path ...]   runs only these test files
 * Ends with every named skip and its reason, and the line `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const node = process.execPath;
const only = process.argv.slice(2);
const totals = { passed: 0, failed: 0, skipped: [], failures: [] };

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

function run(args, options = {}) {
  return new Promise((resolve) => {
    spawn(node, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options }).on('close', (code) => resolve(code ?? 1));
  });
}

async function check(title, args) {
  process.stdout.write(`\n# ${title}\n`);
  if ((await run(args)) === 0) totals.passed += 1;
  else {
    totals.failed += 1;
    totals.failures.push(title);
  }
}

async function runTests(title, files, concurrency) {
  if (files.length === 0) return;
  process.stdout.write(`\n# ${title} (${files.length} files)\n`);
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
  const summary = join(folder, 'summary.json');
  const code = await run([
    '--test',
    `--test-concurrency=${concurrency}`,
    '--test-timeout=600000',
    '--test-reporter=./scripts/test-reporter.mjs',
    '--test-reporter-destination=stdout',
    '--test-reporter=./scripts/test-summary.mjs',
    `--test-reporter-destination=${summary}`,
    ...files,
  ]);
  const { passed, failed, skipped, failures } = existsSync(summary)
    ? JSON.parse(readFileSync(summary, 'utf8') || '{"passed":0,"failed":0,"skipped":[],"failures":[]}')
    : { passed: 0, failed: 1, skipped: [], failures: [`${title}: no summary`] };
  rmSync(folder, { recursive: true, force: true });
  totals.passed += passed;
  totals.failed += failed === 0 && code !== 0 ? 1 : failed;
  totals.skipped.push(...skipped);
  totals.failures.push(...failures, ...(failed === 0 && code !== 0 ? [`${title}: exit code ${code}`] : []));
}

const wanted = (file) => only.length === 0 || only.some((part) => file.includes(part));
const isEndToEnd = (file) => file.startsWith(join('dist', 'e2e')) || file.startsWith('examples');
const files = [...testFiles('dist'), ...testFiles('examples')].filter(wanted).sort();

if (only.length === 0) for (const [title, args] of checks) await check(title, args);
await runTests(
  'unit, contract and integration',
  files.filter((file) => !isEndToEnd(file)),
  2,
);
await runTests('end to end', files.filter(isEndToEnd), 1);

for (const { name, reason } of totals.skipped) process.stdout.write(`skipped: ${name}: ${reason}\n`);
for (const failure of totals.failures) process.stdout.write(`failed: ${failure}\n`);
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped.length} skipped\n`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;

/** The layers of docs/architecture.md, held by reading import lines. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { test } from 'node:test';

// Tests run from the root of the checkout.
const source = join(process.cwd(), 'src');

const layer0 = ['contracts', 'supervisor', 'telemetry'];
const layer1 = ['bus', 'broker', 'media', 'store', 'access'];
const layer2 = ['streams', 'cameras', 'recordings', 'gateways', 'vod'];

/** Folder to the folders it may import (besides itself). */
const mayImport: Record<string, readonly string[]> = {
  contracts: [],
  supervisor: ['contracts'],
  telemetry: ['contracts'],
  bus: ['contracts'],
  broker: layer0,
  media: layer0,
  store: layer0,
  access: layer0,
  streams: [...layer0, ...layer1],
  cameras: [...layer0, ...layer1],
  recordings: [...layer0, ...layer1],
  gateways: [...layer0, ...layer1],
  vod: [...layer0, ...layer1],
  http: ['contracts', 'telemetry', 'access'],
  apps: [...layer0, ...layer1, ...layer2, 'http'],
  ui: ['contracts', 'bus'],
  testkit: [...layer0, ...layer1],
};

/** Folders that tests and benches may import on top. */
const testsMayImport = ['testkit'];
const freeFolders = ['e2e', 'bench'];

/** Packages that only some folders may know; a package that is not named here is free. */
const packageOwners: Record<string, readonly string[]> = {
  fastify: ['http'],
  kysely: ['store'],
  'better-sqlite3': ['store'],
  pg: ['store', 'testkit'],
  commander: ['apps'],
  pino: ['telemetry'],
  'prom-client': ['telemetry'],
  preact: ['ui'],
  '@tus/server': ['vod'],
  '@fastify/busboy': ['vod'],
  'playwright-core': ['e2e', 'bench'],
  '@nats-io/transport-node': ['apps', 'testkit', 'bench', 'e2e'],
  '@nats-io/jetstream': ['bus', 'bench', 'e2e', 'testkit'],
};

interface ImportLine {
  file: string;
  folder: string;
  target: string;
  isTest: boolean;
  isTypeOnly: boolean;
  isLater: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

function importsOf(path: string): ImportLine[] {
  const file = relative(source, path);
  const folder = file.includes(sep) ? (file.split(sep)[0] ?? '') : '';
  const isTest = /\.(test|suite)\.tsx?$/.test(file) || /(^|[/\\])testing[/\\]/.test(file);
  const pattern = /^\s*(?:import|export)\s+(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s+['"]([^'"]+)['"]/gm;
  return [...readFileSync(path, 'utf8').matchAll(pattern)].map((match) => ({
    file,
    folder,
    target: match[2] ?? match[3] ?? match[4] ?? '',
    isTest,
    isTypeOnly: match[1] !== undefined,
    isLater: match[3] !== undefined,
  }));
}

const imports = sourceFiles(source).flatMap(importsOf);

function targetFolder(line: ImportLine): string {
  const path = relative(source, join(source, dirname(line.file), line.target));
  return path.includes(sep) ? (path.split(sep)[0] ?? '') : '';
}

function breaksLayers(line: ImportLine): boolean {
  if (!line.target.startsWith('.') || freeFolders.includes(line.folder) || line.folder === '') return false;
  const target = targetFolder(line);
  if (target === line.folder) return false;
  const allowed = [...(mayImport[line.folder] ?? [])];
  if (line.isTest) allowed.push(...testsMayImport, ...layer0, ...layer1, ...layer2);
  // The HTTP layer is handed its operations; it may name their types.
  if (line.folder === 'http' && line.isTypeOnly) allowed.push(...layer2);
  return !allowed.includes(target);
}

function breaksPackages(line: ImportLine): boolean {
  if (line.target.startsWith('.') || line.isTest) return false;
  const name = line.target.startsWith('@') ? line.target.split('/').slice(0, 2).join('/') : (line.target.split('/')[0] ?? '');
  const owners = packageOwners[name];
  return owners !== undefined && !owners.includes(line.folder);
}

const describe = (line: ImportLine) => `${line.file} imports ${line.target}`;

test('the architecture test sees the code', () => {
  assert.ok(imports.length > 100, `found ${imports.length} import lines`);
  const folders = new Set(imports.map((line) => line.folder).filter((folder) => folder !== '' && !freeFolders.includes(folder)));
  assert.deepEqual(
    [...folders].filter((folder) => mayImport[folder] === undefined),
    [],
    'a new folder needs a row in the table',
  );
});

test('folders import only what their layer allows', () => {
  assert.deepEqual(imports.filter(breaksLayers).map(describe), []);
});

/** Whether a way of imports leads from `file` back to it. */
function needsItself(file: string, targets: ReadonlyMap<string, readonly string[]>): boolean {
  const seen = new Set<string>();
  const next = [...(targets.get(file) ?? [])];
  for (let at = next.pop(); at !== undefined; at = next.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    next.push(...(targets.get(at) ?? []));
  }
  return seen.has(file);
}

test('no file imports one that needs it, types included; a part that is loaded later is no tie', () => {
  const nameOf = (file: string) => file.replace(/\.(tsx?|js)$/, '');
  const targets = new Map<string, string[]>();
  for (const line of imports.filter(({ target, isLater }) => target.startsWith('.') && !isLater)) {
    const from = nameOf(line.file);
    targets.set(from, [...(targets.get(from) ?? []), nameOf(join(dirname(line.file), line.target))]);
  }
  assert.deepEqual(
    [...targets.keys()].filter((file) => needsItself(file, targets)),
    [],
  );
});

test('packages are known only to the folders that own them', () => {
  assert.deepEqual(imports.filter(breaksPackages).map(describe), []);
});

test('browser code knows nothing of Node', () => {
  const browser = imports.filter((line) => ['contracts', 'bus', 'ui'].includes(line.folder) && !line.isTest);
  assert.deepEqual(browser.filter((line) => line.target.startsWith('node:')).map(describe), []);
});

test('no production file imports a test or the testkit', () => {
  const production = imports.filter((line) => !line.isTest && !['testkit', ...freeFolders].includes(line.folder));
  assert.deepEqual(production.filter((line) => /testkit|\.(test|suite)\.js$/.test(line.target)).map(describe), []);
});

test('only apps read arguments or leave the process', () => {
  const offenders = sourceFiles(source)
    .map((path) => [relative(source, path), readFileSync(path, 'utf8')] as const)
    .filter(([file]) => !/^(apps|testkit|e2e|bench|ui)[/\\]/.test(file) && !/\.(test|suite)\.ts$/.test(file))
    .filter(([, text]) => /process\.(argv|exit\(|on\('SIG)/.test(text))
    .map(([file]) => file);
  assert.deepEqual(offenders, []);
});

test('subjects are written only in the contracts', () => {
  const offenders = sourceFiles(source)
    .map((path) => [relative(source, path), readFileSync(path, 'utf8')] as const)
    .filter(([file]) => !/^(contracts|testkit|e2e|bench)[/\\]/.test(file) && !/\.(test|suite)\.tsx?$/.test(file))
    .filter(([, text]) => /['"`]videonode\./.test(text))
    .map(([file]) => file);
  assert.deepEqual(offenders, []);
});

/** Compiles what changed: the programs with tsc, the browser client with Vite. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { bundlePrograms } from './bundle.mjs';
import { run } from './run.mjs';

const node = process.execPath;

/** Builds the server side into `dist/`, and its quick-starting form into `dist/weir`, when a source changed since the last whole build. */
export function buildPrograms() {
  return whenChanged(
    'programs',
    ['src', 'tsconfig.json', 'package-lock.json'],
    (path) => !path.startsWith('src/ui/'),
    async () => {
      await run(node, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);
      removeOrphans('dist');
      await bundlePrograms();
    },
  );
}

/** Builds the browser client into `dist/ui`. */
export function buildUi() {
  const inputs = ['src/ui', 'src/contracts', 'src/bus', 'tsconfig.ui.json', 'vite.config.ts', 'package-lock.json'];
  return whenChanged(
    'ui',
    inputs,
    (path) => !path.endsWith('.test.ts'),
    () => run(node, ['node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn']),
  );
}

async function whenChanged(name, inputs, counts, build) {
  const stampFile = `dist/.stamp-${name}`;
  const stamp = createHash('sha256').update(inputs.flatMap(filesOf).filter(counts).map(describeFile).join('\n')).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return undefined;
  rmSync(stampFile, { force: true });
  await build();
  mkdirSync('dist', { recursive: true });
  writeFileSync(stampFile, stamp);
  return 'built';
}

function filesOf(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => filesOf(join(path, entry.name)));
}

function describeFile(path) {
  const { size, mtimeMs } = statSync(path);
  return `${path} ${size} ${mtimeMs}`;
}

/** A compiled file whose source is gone would still be run as a test. */
function removeOrphans(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (path === join('dist', 'ui')) continue;
    if (entry.isDirectory()) removeOrphans(path);
    else if (/\.js(\.map)?$/.test(entry.name)) {
      const source = join('src', relative('dist', path)).replace(/\.js(\.map)?$/, '.ts');
      if (!existsSync(source)) rmSync(path);
    }
  }
}

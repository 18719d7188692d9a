/** What a hub loads before anybody asks it for anything. Whatever stands here lies in memory for as long as it runs: an addition is a decision. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The compiled programs that this test belongs to. */
const programs = fileURLToPath(new URL('..', import.meta.url));

/** The second is imported by the first, the third by the command `up`. */
const roots = ['apps/cli.js', 'apps/cli/program.js', 'apps/up.js'];

const packages = [
  '@nats-io/nats-core',
  '@nats-io/transport-node',
  'bcryptjs',
  'commander',
  'fast-xml-parser',
  'fastify',
  'kysely',
  'pino',
  'prom-client',
  'ws',
  'yaml',
  'zod',
];

/** Loaded when somebody asks for it. */
const later = [
  'apps/cli/commands.js',
  'apps/doctor.js',
  'apps/gate/bus-gate.js',
  'vod/uploads/form.js',
  'vod/uploads/tus-door.js',
  'vod/net/index.js',
];

/** What the files name in import and export lines, and what these name in turn; files relative to `folder`. */
function loadedFrom(folder: string, first: readonly string[]): { files: ReadonlySet<string>; packages: ReadonlySet<string> } {
  const [files, named, open] = [new Set<string>(), new Set<string>(), [...first]];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, target = ''] of text.matchAll(/^(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*["']([^"']+)["']/gm)) {
      if (target.startsWith('.')) open.push(relative(folder, join(folder, dirname(file), target)).replaceAll(sep, '/'));
      else if (!target.startsWith('node:')) named.add(/^(?:@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target);
    }
  }
  return { files, packages: named };
}

test('a hub loads these packages at its start, and no other', () => {
  assert.deepEqual([...loadedFrom(programs, roots).packages].sort(), packages);
});

test('a hub loads these parts when they are asked for', () => {
  const { files } = loadedFrom(programs, roots);
  assert.ok(files.size > 100, `only ${files.size} files were found`);
  for (const file of later) {
    assert.ok(existsSync(join(programs, file)), `${file} is gone: name what stands for it now`);
    assert.ok(!files.has(file), `${file} is loaded at the start`);
  }
});

const bundle = join(programs, 'weir');
const withoutBundle = existsSync(join(bundle, 'cli.js')) ? false : 'these files were not bundled';

test('the bundle of a hub at its start is text of one byte a letter, within its budget', { skip: withoutBundle }, () => {
  const all = readdirSync(bundle);
  const first = ['cli.js', ...all.filter((name) => /^(program|up)-/.test(name))];
  assert.equal(first.length, 3, `one file for each of ${roots}`);
  let bytes = 0;
  for (const file of loadedFrom(bundle, first).files) {
    const text = readFileSync(join(bundle, file), 'latin1');
    bytes += text.length;
    assert.ok(!/[\u0080-\u00ff]/.test(text), `${file} has letters beyond ASCII: V8 would keep two bytes for each letter of it`);
  }
  assert.ok(bytes <= 3_900_000, `${bytes} bytes are loaded at the start; what of them could wait until somebody asks?`);
});

/** A hub that nobody uses yet must stay small. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTempFolder } from '../testkit/index.js';
import { startWeir } from './weir.js';

/** Notes who asks ICU in a hub: the first question of a process opens up to 8 MB of its tables. */
const watchIcu = `
if (process.argv[2] === 'up') {
  const watch = (owner, name) => {
    const told = owner[name];
    const note = () => require('node:fs').appendFileSync(process.env.ICU_NOTES, JSON.stringify(new Error(name).stack) + '\\n');
    owner[name] = new Proxy(told, {
      apply: (target, self, args) => { note(); return Reflect.apply(target, self, args); },
      construct: (target, args) => { note(); return Reflect.construct(target, args); },
    });
  };
  for (const name of ['Collator', 'DateTimeFormat', 'DisplayNames', 'ListFormat', 'Locale', 'NumberFormat', 'PluralRules', 'RelativeTimeFormat', 'Segmenter']) watch(Intl, name);
  watch(String.prototype, 'localeCompare');
  for (const prototype of [Array.prototype, BigInt.prototype, Date.prototype, Number.prototype]) watch(prototype, 'toLocaleString');
  for (const name of ['toLocaleDateString', 'toLocaleTimeString']) watch(Date.prototype, name);
  'a'.localeCompare('the watch itself');
}
`;

test('a hub asks ICU nothing at its start and for its first answer', async () => {
  await withTempFolder(async (folder) => {
    const [preload, notes] = [join(folder, 'watch-icu.cjs'), join(folder, 'notes')];
    writeFileSync(preload, watchIcu);
    await using weir = await startWeir({ env: { NODE_OPTIONS: `--require ${preload}`, ICU_NOTES: notes, WEIR_STREAMS_TEST_PICTURE: 'false' } });
    await weir.api('GET', '/api/v1/streams');
    assert.ok(existsSync(notes), 'the watch was not loaded');
    const [itself, ...others] = readFileSync(notes, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => String(JSON.parse(line)));
    assert.match(itself ?? '', /watch-icu/, 'the watch sees nothing');
    assert.deepEqual(others, []);
  });
});

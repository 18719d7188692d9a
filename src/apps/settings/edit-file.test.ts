import assert from 'node:assert/strict';
import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { withTempFolder } from '../../testkit/index.js';
import { editConfigText, writeConfigText } from './edit-file.js';

const edit = (text: string, edits: Record<string, unknown>) => editConfigText('weir.yaml', text, new Map(Object.entries(edits)));

const cases: [name: string, before: string, edits: Record<string, unknown>, after: string][] = [
  [
    'a value keeps the comments around it, and the order of the rest',
    '# mine\nlog:\n  level: info # quiet\n\n# the door\nhttp:\n  # above\n  port: 8080 # usual\n  host: 127.0.0.1\n',
    { 'http.port': 8081 },
    '# mine\nlog:\n  level: info # quiet\n\n# the door\nhttp:\n  # above\n  port: 8081 # usual\n  host: 127.0.0.1\n',
  ],
  ['a new key goes to the end of its section', 'http:\n  port: 1\nlog: {}\n', { 'http.host': '::1' }, 'http:\n  port: 1\n  host: ::1\nlog: {}\n'],
  ['a new section goes to the end', 'http:\n  port: 1\n', { 'log.level': 'debug' }, 'http:\n  port: 1\nlog:\n  level: debug\n'],
  ['a section without content takes a value', 'http:\nlog:\n  level: info\n', { 'http.port': 1 }, 'http:\n  port: 1\nlog:\n  level: info\n'],
  ['a section inside a section is made', 'http: {}\n', { 'http.tls.cert_file': 'c.pem' }, 'http: { tls: { cert_file: c.pem } }\n'],
  ['the last key takes its section with it', 'http:\n  port: 1\nlog:\n  level: info\n', { 'http.port': undefined }, 'log:\n  level: info\n'],
  ['a key that is not there is not missed', 'log:\n  level: info\n', { 'http.port': undefined }, 'log:\n  level: info\n'],
  ['a quoted text becomes a number', 'http:\n  port: "1"\n', { 'http.port': 2 }, 'http:\n  port: 2\n'],
  [
    'a text that looks like a number stays a text',
    'nats:\n  url: nats://x\n',
    { 'nats.password': '12345678' },
    'nats:\n  url: nats://x\n  password: "12345678"\n',
  ],
  [
    'a list is replaced whole, its comment stays',
    'streams:\n  source_hosts: # allowed\n    - a\n    - b\n',
    { 'streams.source_hosts': ['c'] },
    'streams:\n  source_hosts:\n    # allowed\n    - c\n',
  ],
  ['lines end as they did', 'http:\r\n  port: 1\r\n', { 'http.port': 2 }, 'http:\r\n  port: 2\r\n'],
  ['a long value stays on its line', `a: ${'x '.repeat(100)}y\n`, { 'log.level': 'info' }, `a: ${'x '.repeat(100)}y\nlog:\n  level: info\n`],
];
for (const [name, before, edits, after] of cases) {
  test(name, () => assert.equal(edit(before, edits), after));
}

test('a file that is made says what it is', () => {
  assert.match(edit('', { 'log.level': 'debug' }), /^# Configuration of Weir\..*\n+log:\n {2}level: debug\n$/);
});

test('what only a person can edit is refused by name', () => {
  const shared = 'http: &same\n  port: 1\nlog: *same\n';
  assert.throws(
    () => edit(shared, { 'log.level': 'info' }),
    (error) => error instanceof WeirError && error.code === 'failed_precondition' && /log\.level cannot be changed/.test(error.message),
  );
});

test('a written file keeps its mode, a new one is for its owner only, a link stays a link, and nothing is left beside', async () => {
  await withTempFolder(async (folder) => {
    const path = join(folder, 'weir.yaml');
    writeConfigText(path, 'a: 1\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    chmodSync(path, 0o640);
    writeConfigText(path, 'a: 2\n');
    assert.deepEqual([statSync(path).mode & 0o777, readFileSync(path, 'utf8')], [0o640, 'a: 2\n']);
    const link = join(folder, 'link.yaml');
    symlinkSync(path, link);
    writeConfigText(link, 'a: 3\n');
    assert.deepEqual([lstatSync(link).isSymbolicLink(), readFileSync(path, 'utf8')], [true, 'a: 3\n']);
    assert.deepEqual(readdirSync(folder).sort(), ['link.yaml', 'weir.yaml']);
  });
});

test('a folder that is a file is told as a failure', async () => {
  await withTempFolder(async (folder) => {
    writeFileSync(join(folder, 'file'), '');
    assert.throws(() => writeConfigText(join(folder, 'file', 'weir.yaml'), 'a: 1\n'), WeirError);
  });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeTempFolder, removeFolder } from '../testkit/index.js';
import { readServerCertificate } from './certificate.js';

let folder: string;

function make(name: string): [cert: string, key: string] {
  const at = (suffix: string) => join(folder, `${name}.${suffix}`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at('key')];
  const names = ['-addext', `subjectAltName=DNS:${name}.example,IP:10.0.0.5`];
  execFileSync('openssl', ['req', '-x509', ...key, '-days', '2', '-out', at('pem'), '-subj', '/CN=x', ...names], { stdio: 'pipe' });
  return [at('pem'), at('key')];
}

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

before(async () => {
  folder = await makeTempFolder('certificate');
});
after(() => removeFolder(folder));

test('a sound pair is read, with the first name it is made for', () => {
  const read = readServerCertificate('http.tls', ...make('sound'));
  assert.match(read.cert, /BEGIN CERTIFICATE/);
  assert.match(read.key, /BEGIN/);
  assert.equal(read.name, 'sound.example');
  assert.ok(read.validTo.getTime() > Date.now());
});

describe('what will not do is refused by file and field', () => {
  const rows: [name: string, files: () => [cert: string, key: string], field: string, words: RegExp][] = [
    ['a missing certificate', () => [join(folder, 'none.pem'), make('a')[1]], 'cert_file', /none\.pem cannot be read: ENOENT/],
    ['a missing key', () => [make('b')[0], join(folder, 'none.key')], 'key_file', /none\.key cannot be read: ENOENT/],
    ['a folder for a key', () => [make('c')[0], folder], 'key_file', /cannot be read: EISDIR/],
    ['text for a certificate', () => [write('junk.pem', 'hello'), make('d')[1]], 'cert_file', /junk\.pem holds no certificate/],
    ['text for a key', () => [make('e')[0], write('junk.key', 'hello')], 'key_file', /junk\.key holds no private key/],
    ['the key of another', () => [make('f')[0], make('g')[1]], 'key_file', /g\.key does not belong to the certificate .*f\.pem/],
  ];
  for (const [name, files, field, words] of rows) {
    test(name, () => {
      assert.throws(() => readServerCertificate('nats.tls', ...files()), { code: 'invalid_argument', message: words });
      assert.throws(
        () => readServerCertificate('nats.tls', ...files()),
        (error: { errors?: { field: string }[] }) => error.errors?.[0]?.field === `nats.tls.${field}`,
      );
    });
  }
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { cleanFileName, nameInUrl, titleOf } from './names.js';

it('a title is the name without extension, with spaces', () => {
  const cases: [string, string][] = [
    ['my_film.mp4', 'my film'],
    ['a.b.c.mkv', 'a.b.c'],
    ['.mp4', '.mp4'],
    ['Ferien 2026', 'Ferien 2026'],
    ['___.mov', '___.mov'],
    [`${'x'.repeat(400)}.mp4`, 'x'.repeat(300)],
  ];
  for (const [name, title] of cases) assert.equal(titleOf(name), title);
});

it('a name keeps what people write, and loses what only harms', () => {
  const cases: [string | undefined, string][] = [
    [undefined, 'video'],
    ['', 'video'],
    ['/', 'video'],
    ['C:\\films\\a.mp4', 'a.mp4'],
    ['a\u202egpj.exe', 'agpj.exe'],
    ['\ud800a', 'a'],
    ['e\u0301', 'é'],
    ['💃🏽'.repeat(200), [...'💃🏽'.repeat(200)].slice(0, 255).join('')],
  ];
  for (const [given, name] of cases) assert.equal(cleanFileName(given), name);
});

it('the name in an address is its last part', () => {
  assert.equal(nameInUrl('https://x/a/My%20Film.mp4?x=1'), 'My Film.mp4');
  assert.equal(nameInUrl('https://x/'), undefined);
  assert.equal(nameInUrl('https://x/%E0%A4%A'), '%E0%A4%A');
});

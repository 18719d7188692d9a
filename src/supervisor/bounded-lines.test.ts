import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BoundedLines, type LineLimits } from './bounded-lines.js';

function read(chunks: (string | Buffer)[], limits: LineLimits = {}, now: () => number = () => 0): { lines: string[]; reader: BoundedLines } {
  const lines: string[] = [];
  const reader = new BoundedLines((line) => lines.push(line), limits, now);
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  reader.end();
  return { lines, reader };
}

const cases: { name: string; chunks: string[]; limits?: LineLimits; lines: string[] }[] = [
  { name: 'whole lines', chunks: ['one\ntwo\n'], lines: ['one', 'two'] },
  { name: 'a line over three chunks', chunks: ['o', 'n', 'e\n'], lines: ['one'] },
  { name: 'carriage returns end lines, empty ones are dropped', chunks: ['a\r\n\r\nb\rc\n'], lines: ['a', 'b', 'c'] },
  { name: 'half a line at the end', chunks: ['one\ntw'], lines: ['one', 'tw'] },
  { name: 'a long line is cut', chunks: ['abcdef\ng\n'], limits: { maxLength: 3 }, lines: ['abc…', 'g'] },
  { name: 'a long line over chunks is cut once', chunks: ['ab', 'cd', 'ef\n'], limits: { maxLength: 3 }, lines: ['abc…'] },
  { name: 'a line of exactly the limit is whole', chunks: ['abc\n'], limits: { maxLength: 3 }, lines: ['abc'] },
  { name: 'no more than the rate', chunks: ['1\n2\n3\n4\n'], limits: { perSecond: 2 }, lines: ['1', '2'] },
];

for (const row of cases) {
  test(`lines: ${row.name}`, () => assert.deepEqual(read(row.chunks, row.limits).lines, row.lines));
}

test('lines: suppressed ones are counted and still end up in the tail', () => {
  const { reader } = read(['1\n2\n3\n4\n5\n'], { perSecond: 1, tail: 2 });
  assert.equal(reader.suppressed, 4);
  assert.deepEqual(reader.tail(), ['4', '5']);
});

test('lines: the next second is handed on again', () => {
  let now = 0;
  const lines: string[] = [];
  const reader = new BoundedLines(
    (line) => lines.push(line),
    { perSecond: 1 },
    () => now,
  );
  reader.push(Buffer.from('1\n2\n'));
  now = 1000;
  reader.push(Buffer.from('3\n4\n'));
  assert.deepEqual(lines, ['1', '3']);
});

test('lines: the result does not depend on where the chunks are cut', () => {
  const text = fc.array(fc.constantFrom('a', 'é', '€', '\n', '\r', ' '), { maxLength: 60 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, fc.array(fc.nat(200), { maxLength: 6 }), fc.integer({ min: 4, max: 12 }), (whole, cuts, maxLength) => {
      const bytes = Buffer.from(whole);
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
      assert.deepEqual(read(chunks, { maxLength }).lines, read([bytes], { maxLength }).lines);
    }),
  );
});

test('lines: 64 MiB without a line end use no more memory than the limit', () => {
  const lines: string[] = [];
  const reader = new BoundedLines((line) => lines.push(line), { maxLength: 1024 });
  const chunk = Buffer.alloc(65_536, 'x');
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  for (let index = 0; index < 1024; index++) reader.push(chunk);
  const grown = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before;
  reader.end();
  assert.ok(grown < 4_000_000, `grew by ${grown}`);
  assert.equal(lines.length, 1);
  assert.equal(lines[0]?.length, 1025);
});

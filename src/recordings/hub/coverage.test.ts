import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gapCauses } from '../../contracts/index.js';
import { type CoverageInput, type CoverageSpan, coverageOf, showCoverage } from './coverage.js';

const span = fc
  .tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 0, max: 3000 }))
  .map(([from_ms, length]) => ({ from_ms, to_ms: from_ms + length }));
const anyInput: fc.Arbitrary<CoverageInput> = fc.record({
  from_ms: fc.integer({ min: 0, max: 5000 }),
  to_ms: fc.integer({ min: 5001, max: 12_000 }),
  now_ms: fc.integer({ min: 0, max: 14_000 }),
  files: fc.array(
    fc.tuple(span, fc.constantFrom('a', 'b', 'c', 'd')).map(([one, filename]) => ({ ...one, filename })),
    { maxLength: 8 },
  ),
  gaps: fc.array(
    fc.tuple(span, fc.constantFrom(...gapCauses)).map(([one, cause]) => ({ ...one, cause })),
    { maxLength: 8 },
  ),
  running: fc.option(span, { nil: undefined }),
  wanted: fc.array(span, { maxLength: 5 }),
  open: fc.option(fc.record({ from_ms: fc.integer({ min: 0, max: 12_000 }), cause: fc.constantFrom(...gapCauses) }), { nil: undefined }),
});
const holds = (one: { from_ms: number; to_ms: number }, ms: number) => one.from_ms <= ms && ms < one.to_ms;
const at = (spans: readonly CoverageSpan[], ms: number) => spans.find((one) => holds(one, ms));

test('the spans tile the time exactly, in order, and neighbours differ', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const spans = coverageOf(input);
      let end = input.from_ms;
      for (const [index, one] of spans.entries()) {
        assert.equal(one.from_ms, end);
        assert.ok(one.to_ms > one.from_ms);
        const { from_ms: _f, to_ms: _t, ...look } = one;
        const before = spans[index - 1];
        if (before !== undefined) {
          const { from_ms: _bf, to_ms: _bt, ...lookBefore } = before;
          assert.notDeepEqual(look, lookBefore);
        }
        end = one.to_ms;
      }
      assert.equal(end, input.to_ms);
    }),
    { numRuns: 2000 },
  );
});

test('each moment is what its sources say: a file before a gap, a gap before what is only wanted', () => {
  fc.assert(
    fc.property(anyInput, fc.integer({ min: 0, max: 11_999 }), (input, ms) => {
      fc.pre(ms >= input.from_ms && ms < input.to_ms);
      const found = at(coverageOf(input), ms);
      assert.ok(found !== undefined);
      const isWanted = ms < input.now_ms && input.wanted.some((one) => holds(one, ms));
      const inFile = input.files.some((one) => holds(one, ms));
      const inGap = input.gaps.some((one) => holds(one, ms));
      if (inFile) assert.equal(found.state, 'present');
      if (found.state === 'missing') {
        assert.ok(!inFile && found.cause !== undefined);
        assert.ok(isWanted || found.cause === 'deleted');
      }
      const nearFile = input.files.some((one) => one.to_ms > one.from_ms && Math.abs(one.to_ms - ms) <= 250);
      // Only what is left of an order after its last frame is not wanted any more.
      if (found.state === 'unwanted') assert.ok(!inFile && (!isWanted || nearFile));
      if (isWanted && inGap && !inFile) assert.notEqual(found.state, 'unwanted');
      // Only a seam between two files is present without being in one.
      if (found.state === 'present' && !inFile) assert.ok(nearFile || (input.running !== undefined && holds(input.running, ms)));
    }),
    { numRuns: 3000 },
  );
});

test('the sums are those of the spans, and what is complete is told of what was wanted', () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const shown = showCoverage('cam', input);
      const sum = (state: string) =>
        shown.spans.filter((one) => one.state === state).reduce((ms, one) => ms + Date.parse(one.to) - Date.parse(one.from), 0);
      assert.ok(Math.abs(shown.present_s * 1000 - sum('present')) < 1e-6);
      assert.ok(Math.abs(shown.missing_s * 1000 - sum('missing')) < 1e-6);
      assert.ok(shown.complete_percent >= 0 && shown.complete_percent <= 100);
    }),
  );
});

const base: CoverageInput = { from_ms: 0, to_ms: 10_000, now_ms: 20_000, files: [], gaps: [], wanted: [{ from_ms: 0, to_ms: 10_000 }] };
const looks = (input: CoverageInput) =>
  coverageOf(input).map((one) => `${one.from_ms}-${one.to_ms} ${one.state}${one.cause === undefined ? '' : ` ${one.cause}`}`);

const cases: [string, CoverageInput, string[]][] = [
  ['nobody has told anything: the spoke is lost', base, ['0-10000 missing spoke_lost']],
  ['nothing was wanted', { ...base, wanted: [] }, ['0-10000 unwanted']],
  ['the future is not missing', { ...base, now_ms: 4000 }, ['0-4000 missing spoke_lost', '4000-10000 unwanted']],
  [
    'files, a gap between them, an open gap at the end',
    {
      ...base,
      files: [
        { from_ms: 0, to_ms: 3000, filename: 'a' },
        { from_ms: 5000, to_ms: 8000, filename: 'b' },
      ],
      gaps: [{ from_ms: 3000, to_ms: 5000, cause: 'source_unreachable' }],
      open: { from_ms: 8000, cause: 'spoke_lost' },
    },
    ['0-3000 present', '3000-5000 missing source_unreachable', '5000-8000 present', '8000-10000 missing spoke_lost'],
  ],
  [
    'a stop shortly after the last frame is no gap',
    { ...base, wanted: [{ from_ms: 0, to_ms: 5024 }], files: [{ from_ms: 0, to_ms: 5000, filename: 'a' }] },
    ['0-5000 present', '5000-10000 unwanted'],
  ],
  [
    'a seam of a few milliseconds is no gap',
    {
      ...base,
      files: [
        { from_ms: 0, to_ms: 4990, filename: 'a' },
        { from_ms: 5000, to_ms: 10_000, filename: 'b' },
      ],
    },
    ['0-5000 present', '5000-10000 present'],
  ],
  [
    'the same seam is a gap when a spoke noted one',
    {
      ...base,
      files: [
        { from_ms: 0, to_ms: 4990, filename: 'a' },
        { from_ms: 5000, to_ms: 10_000, filename: 'b' },
      ],
      gaps: [{ from_ms: 4990, to_ms: 5000, cause: 'clock_changed' }],
    },
    ['0-4990 present', '4990-5000 missing clock_changed', '5000-10000 present'],
  ],
  [
    'deleted time is told whatever is wanted',
    { ...base, wanted: [], gaps: [{ from_ms: 2000, to_ms: 3000, cause: 'deleted' }] },
    ['0-2000 unwanted', '2000-3000 missing deleted', '3000-10000 unwanted'],
  ],
  [
    'what a spoke that cannot write reports holds since the last file, not since it was heard',
    {
      ...base,
      files: [{ from_ms: 0, to_ms: 6000, filename: 'a' }],
      open: { from_ms: 8000, cause: 'disk_full', isReported: true },
    },
    ['0-6000 present', '6000-10000 missing disk_full'],
  ],
  [
    'the running file reaches to now',
    { ...base, now_ms: 9000, files: [{ from_ms: 0, to_ms: 6000, filename: 'a' }], running: { from_ms: 6000, to_ms: 9000, filename: 'b' } },
    ['0-6000 present', '6000-9000 present', '9000-10000 unwanted'],
  ],
];
for (const [name, input, expected] of cases) test(name, () => assert.deepEqual(looks(input), expected));

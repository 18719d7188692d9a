import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PathStep, planPaths } from './plan.js';

interface Row {
  readonly name: string;
  readonly wanted?: Record<string, string>;
  readonly given?: Record<string, string>;
  readonly existing?: string[];
  readonly drifted?: string[];
  readonly ours?: string[];
  readonly steps: PathStep[];
}

const rows: Row[] = [
  { name: 'nothing', steps: [] },
  { name: 'a new wish', wanted: { a: '1' }, steps: [{ kind: 'put', name: 'a', why: 'new' }] },
  { name: 'all as it should be', wanted: { a: '1' }, given: { a: '1' }, existing: ['a'], steps: [] },
  { name: 'another source', wanted: { a: '2' }, given: { a: '1' }, existing: ['a'], steps: [{ kind: 'put', name: 'a', why: 'changed' }] },
  { name: 'it was restarted and lost its paths', wanted: { a: '1' }, steps: [{ kind: 'put', name: 'a', why: 'new' }] },
  { name: 'we were restarted and do not know what it has', wanted: { a: '1' }, existing: ['a'], steps: [{ kind: 'put', name: 'a', why: 'changed' }] },
  { name: 'somebody deleted it', wanted: { a: '1' }, given: { a: '1' }, steps: [{ kind: 'put', name: 'a', why: 'new' }] },
  {
    name: 'somebody changed it',
    wanted: { a: '1' },
    given: { a: '1' },
    existing: ['a'],
    drifted: ['a'],
    steps: [{ kind: 'put', name: 'a', why: 'drifted' }],
  },
  { name: 'no longer wanted', existing: ['a'], ours: ['a'], steps: [{ kind: 'delete', name: 'a' }] },
  { name: 'somebody else’s path', existing: ['theirs'], steps: [] },
  {
    name: 'a device moves from one path to another',
    wanted: { b: '1' },
    existing: ['a'],
    ours: ['a'],
    steps: [
      { kind: 'delete', name: 'a' },
      { kind: 'put', name: 'b', why: 'new' },
    ],
  },
];

for (const { name, wanted = {}, given = {}, existing = [], drifted = [], ours = [], steps } of rows) {
  test(`steps: ${name}`, () => {
    const input = {
      wanted: new Map(Object.entries(wanted)),
      given: new Map(Object.entries(given)),
      existing: new Set(existing),
      drifted: new Set(drifted),
    };
    assert.deepEqual(planPaths({ ...input, isOurs: (path) => ours.includes(path) }), steps);
  });
}

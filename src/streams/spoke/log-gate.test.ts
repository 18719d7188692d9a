import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogGate } from './log-gate.js';

test('at most 50 lines per second pass, the line that tells of the others included', () => {
  const gate = new LogGate();
  for (let second = 0; second < 3; second++) {
    let passed = 0;
    for (let line = 0; line < 1000; line++) if (gate.admit(second * 1000 + line)) passed += 1;
    assert.equal(passed, 49);
    assert.equal(gate.takeSuppressed(), 951);
  }
  assert.equal(gate.takeSuppressed(), 0);
});

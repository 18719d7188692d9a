import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AlertLedger } from './alerts.js';

function ledger() {
  const sent: string[] = [];
  const state = { isUp: true };
  const alerts = new AlertLedger('s1', (severity, message) => {
    if (state.isUp) sent.push(`${severity} ${message.kind}${message.cleared === true ? ' cleared' : ''}`);
    return state.isUp;
  });
  return { alerts, sent, state };
}

test('an alert is raised once and cleared once', () => {
  const { alerts, sent } = ledger();
  for (let time = 0; time < 3; time++) alerts.raise('error', { kind: 'source_silent', message: 'silent' });
  assert.ok(alerts.has('error'));
  alerts.clearAll('error');
  alerts.clear('source_silent');
  assert.deepEqual(sent, ['error source_silent', 'error source_silent cleared']);
  assert.ok(!alerts.has('error'));
});

test('what happened while the bus was away is told afterwards', () => {
  const { alerts, sent, state } = ledger();
  alerts.raise('error', { kind: 'old', message: 'x' });
  state.isUp = false;
  alerts.clear('old');
  alerts.raise('warning', { kind: 'new', message: 'x' });
  alerts.raise('warning', { kind: 'short', message: 'x' });
  alerts.clear('short');
  state.isUp = true;
  alerts.flush();
  alerts.flush();
  assert.deepEqual(sent, ['error old', 'error old cleared', 'warning new']);
  assert.deepEqual(alerts.warnings(), ['new']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameHub } from './client.js';

test('which addresses get the token of the data folder', () => {
  const running = 'http://localhost:8080';
  const cases: [given: string, same: boolean][] = [
    ['http://localhost:8080', true],
    ['http://localhost:8080/', true],
    ['http://127.0.0.1:8080', true],
    ['http://[::1]:8080/', true],
    ['http://127.0.0.1:8081', false],
    ['https://127.0.0.1:8080', false],
    ['http://127.0.0.1:8080/behind/a/proxy', false],
    ['http://localhost.example:8080', false],
    ['http://192.0.2.7:8080', false],
    ['http://localhost:8080@192.0.2.7', false],
    ['localhost', false],
  ];
  for (const [given, same] of cases) assert.equal(isSameHub(given, running), same, given);
  assert.equal(isSameHub('http://cam.local:80', 'http://cam.local'), true);
  assert.equal(isSameHub('http://127.0.0.1:8080', 'http://192.0.2.7:8080'), false);
});

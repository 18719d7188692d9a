import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { headers } from '@nats-io/nats-core';
import fc from 'fast-check';
import { CommandReader, formatMessage, isAllowed, ProtocolError, parseHeaders } from './protocol.js';

const session = Buffer.from(
  'CONNECT {"user":"a"}\r\nPING\r\nSUB x.* 1\r\nSUB y q 2\r\nPUB a.b 3\r\nxyz\r\nHPUB a r 15 17\r\nNATS/1.0\r\nA:b\r\nhi\r\nUNSUB 1 5\r\nUNSUB 2\r\nPONG\r\n',
);

describe('commands of a client', () => {
  test('are read whatever the pieces they come in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: session.length - 1 }), { maxLength: 20 }), (cuts) => {
        const reader = new CommandReader(100);
        const at = [0, ...[...new Set(cuts)].sort((a, b) => a - b), session.length];
        const read = at.slice(1).flatMap((end, index) => [...reader.read(Buffer.from(session.subarray(at[index], end)))]);
        assert.deepEqual(
          read.map((command) => (command.op === 'pub' ? { ...command, data: Buffer.from(command.data).toString() } : command)),
          [
            { op: 'connect', options: { user: 'a' } },
            { op: 'ping' },
            { op: 'sub', subject: 'x.*', queue: undefined, sid: '1' },
            { op: 'sub', subject: 'y', queue: 'q', sid: '2' },
            { op: 'pub', subject: 'a.b', reply: undefined, headerBytes: 0, data: 'xyz' },
            { op: 'pub', subject: 'a', reply: 'r', headerBytes: 15, data: 'NATS/1.0\r\nA:b\r\nhi' },
            { op: 'unsub', sid: '1', max: 5 },
            { op: 'unsub', sid: '2', max: undefined },
            { op: 'pong' },
          ],
        );
      }),
    );
  });

  const faulty: [name: string, text: string][] = [
    ['an unknown word', 'HELLO\r\n'],
    ['a payload beyond the limit', 'PUB a 101\r\n'],
    ['a size that is none', 'PUB a -1\r\n'],
    ['headers longer than the whole', 'HPUB a 5 4\r\n'],
    ['a payload without its end', 'PUB a 1\r\nabc'],
    ['a line without end', 'P'.repeat(5000)],
    ['half an object', 'CONNECT {"user"\r\n'],
    ['a subscription without an id', 'SUB a\r\n'],
  ];
  for (const [name, text] of faulty) {
    test(`${name} is refused`, () => assert.throws(() => [...new CommandReader(100).read(Buffer.from(text))], ProtocolError));
  }
});

test('a message carries status, headers and reply', () => {
  const head = headers(404, 'No Messages');
  head.append('A', 'b');
  const bytes = formatMessage('7', { subject: 's', reply: 'r', headers: head, data: Buffer.from('hi') }).toString();
  assert.equal(bytes, 'HMSG s 7 r 34 36\r\nNATS/1.0 404 No Messages\r\nA: b\r\n\r\nhi\r\n');
  assert.equal(formatMessage('7', { subject: 's', data: Buffer.from('hi') }).toString(), 'MSG s 7 2\r\nhi\r\n');
  assert.equal(parseHeaders(Buffer.from('NATS/1.0\r\nA: b\r\n\r\n')).get('A'), 'b');
});

const rows: [subject: string, pattern: string, allowed: boolean][] = [
  ['a.b', 'a.b', true],
  ['a.b', 'a.*', true],
  ['a.*', 'a.*', true],
  ['a.*', 'a.b', false],
  ['a.>', 'a.*', false],
  ['a.>', 'a.>', true],
  ['a.b.c', 'a.>', true],
  ['a', 'a.>', false],
  ['>', 'a.>', false],
  ['a.b', '>', true],
  ['a.b.c', 'a.*', false],
  ['a', 'a.*', false],
  ['a..b', 'a.>', false],
];
for (const [subject, pattern, allowed] of rows) {
  test(`${subject} is ${allowed ? '' : 'not '}within ${pattern}`, () => assert.equal(isAllowed(subject, [pattern]), allowed));
}

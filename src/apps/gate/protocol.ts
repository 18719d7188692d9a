/** The client protocol of NATS, seen from a server: bytes to commands, messages to bytes. Pure. */
import { headers, type MsgHdrs } from '@nats-io/nats-core';

export type ClientCommand =
  | { readonly op: 'connect'; readonly options: Readonly<Record<string, unknown>> }
  | { readonly op: 'ping' }
  | { readonly op: 'pong' }
  | { readonly op: 'sub'; readonly subject: string; readonly queue: string | undefined; readonly sid: string }
  | { readonly op: 'unsub'; readonly sid: string; readonly max: number | undefined }
  | { readonly op: 'pub'; readonly subject: string; readonly reply: string | undefined; readonly headerBytes: number; readonly data: Uint8Array };

/** What a client sent is not NATS, or more than it may send at a time. The text is that of nats-server. */
export class ProtocolError extends Error {}

const maxControlLine = 4096;
const lineEnd = Buffer.from('\r\n');

interface Pending {
  readonly subject: string;
  readonly reply: string | undefined;
  readonly headerBytes: number;
  readonly totalBytes: number;
}

/** Takes the bytes of one connection in any pieces. At most one command is kept until it is whole. */
export class CommandReader {
  #rest: Buffer = Buffer.alloc(0);
  #pending: Pending | undefined;
  readonly #maxPayload: number;

  constructor(maxPayload: number) {
    this.#maxPayload = maxPayload;
  }

  /** Commands that are whole now. Throws `ProtocolError`; the connection is then of no more use. */
  *read(chunk: Uint8Array): Generator<ClientCommand> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const command = this.#pending === undefined ? this.#readLine() : this.#readPayload(this.#pending);
      if (command === undefined) return;
      if (command !== 'more') yield command;
    }
  }

  #readLine(): ClientCommand | 'more' | undefined {
    const end = this.#rest.indexOf(lineEnd);
    if (end > maxControlLine || (end === -1 && this.#rest.length > maxControlLine)) throw new ProtocolError('Maximum Control Line Exceeded');
    if (end === -1) return undefined;
    const line = this.#rest.toString('utf8', 0, end);
    this.#rest = this.#rest.subarray(end + 2);
    const [name = '', ...words] = line.trim().split(/[ \t]+/);
    switch (name.toUpperCase()) {
      case 'CONNECT':
        return { op: 'connect', options: parseObject(line.slice(line.indexOf('{'))) };
      case 'PING':
        return { op: 'ping' };
      case 'PONG':
        return { op: 'pong' };
      case 'SUB':
        return parseSub(words);
      case 'UNSUB':
        return { op: 'unsub', sid: words[0] ?? '', max: words[1] === undefined ? undefined : toCount(words[1]) };
      case 'PUB':
      case 'HPUB':
        this.#pending = parsePub(words, name.toUpperCase() === 'HPUB', this.#maxPayload);
        return 'more';
      default:
        throw new ProtocolError('Unknown Protocol Operation');
    }
  }

  #readPayload({ subject, reply, headerBytes, totalBytes }: Pending): ClientCommand | undefined {
    if (this.#rest.length < totalBytes + 2) return undefined;
    if (this.#rest[totalBytes] !== 13 || this.#rest[totalBytes + 1] !== 10) throw new ProtocolError('Unknown Protocol Operation');
    const data = this.#rest.subarray(0, totalBytes);
    this.#rest = this.#rest.subarray(totalBytes + 2);
    this.#pending = undefined;
    return { op: 'pub', subject, reply, headerBytes, data };
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new ProtocolError('Parser Error');
}

function parseSub(words: readonly string[]): ClientCommand {
  const [subject, middle, last] = words;
  const sid = last ?? middle;
  if (subject === undefined || sid === undefined || words.length > 3) throw new ProtocolError('Parser Error');
  return { op: 'sub', subject, queue: last === undefined ? undefined : middle, sid };
}

function parsePub(words: readonly string[], hasHeaders: boolean, maxPayload: number): Pending {
  const sizes = hasHeaders ? 2 : 1;
  const [subject] = words;
  if (subject === undefined || words.length < 1 + sizes || words.length > 2 + sizes) throw new ProtocolError('Parser Error');
  const totalBytes = toCount(words.at(-1) ?? '');
  const headerBytes = hasHeaders ? toCount(words.at(-2) ?? '') : 0;
  if (totalBytes > maxPayload) throw new ProtocolError('Maximum Payload Violation');
  if (headerBytes > totalBytes) throw new ProtocolError('Parser Error');
  return { subject, reply: words.length === 2 + sizes ? words[1] : undefined, headerBytes, totalBytes };
}

function toCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new ProtocolError('Parser Error');
  return Number(text);
}

/** Headers as a client sent them. */
export function parseHeaders(bytes: Uint8Array): MsgHdrs {
  const parsed = headers();
  for (const line of new TextDecoder().decode(bytes).split('\r\n').slice(1)) {
    const at = line.indexOf(':');
    if (at > 0) parsed.append(line.slice(0, at), line.slice(at + 1).trim());
  }
  return parsed;
}

function formatHeaders(of: MsgHdrs): Buffer {
  const status = of.code > 0 ? ` ${of.code}${of.description === '' ? '' : ` ${of.description}`}` : '';
  const lines = of.keys().flatMap((key) => of.values(key).map((value) => `${key}: ${value}`));
  return Buffer.from(`NATS/1.0${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);
}

/** A message for the subscription `sid`. */
export function formatMessage(sid: string, message: { subject: string; reply?: string; headers?: MsgHdrs; data: Uint8Array }): Buffer {
  const reply = message.reply === undefined || message.reply === '' ? '' : `${message.reply} `;
  if (message.headers === undefined) {
    return Buffer.concat([Buffer.from(`MSG ${message.subject} ${sid} ${reply}${message.data.length}\r\n`), message.data, lineEnd]);
  }
  const head = formatHeaders(message.headers);
  const sizes = `${head.length} ${head.length + message.data.length}`;
  return Buffer.concat([Buffer.from(`HMSG ${message.subject} ${sid} ${reply}${sizes}\r\n`), head, message.data, lineEnd]);
}

const subjectForm = /^[^\s.]+(?:\.[^\s.]+)*$/;

/** True when every subject that `subject` (which may hold wildcards) stands for is within one of the patterns. */
export function isAllowed(subject: string, patterns: readonly string[]): boolean {
  return subjectForm.test(subject) && patterns.some((pattern) => isWithin(subject.split('.'), pattern.split('.')));
}

function isWithin(subject: readonly string[], pattern: readonly string[]): boolean {
  for (const [index, token] of pattern.entries()) {
    const mine = subject[index];
    if (mine === undefined) return false;
    if (token === '>') return true;
    if (mine === '>' || (token !== '*' && token !== mine)) return false;
  }
  return subject.length === pattern.length;
}

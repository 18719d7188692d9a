/** Watches a source that is away, cheaply, and tells the moment it is back. */
import { createSocket } from 'node:dgram';
import { access } from 'node:fs/promises';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Source } from '../../media/index.js';

export interface ReturnSensorOptions {
  readonly source: Source;
  /** Called at each change from away to back; never for a source that was there all along. */
  onBack(): void;
  readonly signal: AbortSignal;
  /** Pause between two looks; default 400 ms. */
  readonly everyMs?: number;
  /** A look that has no answer for so long says "away"; it is kept waiting. Default 1000 ms. */
  readonly silentMs?: number;
  /** Longest look; default 5000 ms. */
  readonly longestLookMs?: number;
}

/** Looks until the signal aborts. Holds at most one socket at a time. */
export function startReturnSensor(options: ReturnSensorOptions): void {
  if (options.source.kind === 'test') return;
  // Nothing in the loop throws: a look that fails is the answer "away".
  void watch(options);
}

async function watch(options: ReturnSensorOptions): Promise<void> {
  const { source, signal, onBack, everyMs = 400, silentMs = 1000, longestLookMs = 5000 } = options;
  let isAway = false;
  while (!signal.aborted) {
    const silent = setTimeout(() => {
      isAway = true;
    }, silentMs);
    const isThere = await isSourceThere(source, AbortSignal.any([signal, AbortSignal.timeout(longestLookMs)]));
    clearTimeout(silent);
    if (signal.aborted) return;
    if (isThere && isAway) onBack();
    isAway = !isThere;
    await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/**
 * True when the source answers like one that delivers: a node or file exists, an RTSP server describes the stream or asks for a
 * password first, an RTMP or SRT server answers the first step of its handshake, an HTTP server sends a first byte of content. A
 * server that accepts connections but is frozen does not count. Answers false at the abort; never throws. Sends no credentials.
 */
export function isSourceThere(source: Source, signal: AbortSignal): Promise<boolean> {
  switch (source.kind) {
    case 'test':
      return Promise.resolve(true);
    case 'v4l2':
    case 'file':
      return access(source.path).then(
        () => true,
        () => false,
      );
    case 'http':
      return source.url.startsWith('http://') ? hasHttpContent(source.url, signal) : answersTcp(source, undefined, signal);
    case 'rtsp':
      return source.url.startsWith('rtsp://') ? describesRtsp(source, signal) : answersTcp(source, undefined, signal);
    case 'rtmp':
      return answersTcp(source, source.url.startsWith('rtmp://') ? rtmpHello() : undefined, signal);
    case 'srt':
      return answersSrt(source, signal);
  }
}

/** An answer without a status line that is so long is none of RTSP. */
const longestAnswer = 64 * 1024;

interface Place {
  readonly host: string;
  readonly port: number;
}

/** With `hello`: true at the first byte of an answer; without: as soon as connected (the handshake would be TLS). */
function answersTcp({ host, port }: Place, hello: Uint8Array | string | undefined, signal: AbortSignal): Promise<boolean> {
  return settle(signal, (done) => {
    const socket: Socket = connect({ host, port });
    socket.on('error', () => done(false)).on('close', () => done(false));
    if (hello === undefined) socket.on('connect', () => done(true));
    else socket.on('connect', () => socket.write(hello)).on('data', () => done(true));
    return () => socket.destroy();
  });
}

/** A camera that starts answers OPTIONS long before the stream exists, so the stream itself is asked for, as a player would. */
function describesRtsp({ host, port, url }: Place & { readonly url: string }, signal: AbortSignal): Promise<boolean> {
  const stream = withoutLogin(url).href;
  return settle(signal, (done) => {
    const socket: Socket = connect({ host, port });
    let text = '';
    let asked = 0;
    const ask = (request: string) => {
      asked += 1;
      socket.write(`${request} RTSP/1.0\r\nCSeq: ${asked}\r\nUser-Agent: Weir\r\n${asked === 2 ? 'Accept: application/sdp\r\n' : ''}\r\n`);
    };
    socket.on('error', () => done(false)).on('close', () => done(false));
    socket.on('connect', () => ask(`OPTIONS ${stream}`));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const statuses = [...text.matchAll(/RTSP\/1\.\d (\d{3})[^\r\n]*\r\n/g)].map((match) => Number(match[1]));
      const status = statuses[asked - 1];
      if (status === undefined) return text.length > longestAnswer ? done(false) : undefined;
      if (asked === 1 && status < 400) ask(`DESCRIBE ${stream}`);
      else done(isStatusOfPresence(status));
    });
    return () => socket.destroy();
  });
}

/** What the path is told to be missing for may pass; every other refusal is for the attempt with credentials to explain. */
function isStatusOfPresence(status: number): boolean {
  return status !== 404 && status !== 454 && status < 500;
}

function hasHttpContent(url: string, signal: AbortSignal): Promise<boolean> {
  return settle(signal, (done) => {
    const target = withoutLogin(url);
    const request = get(target, { agent: false }, (response) => {
      const status = response.statusCode ?? 500;
      // Asking for a password proves presence; an error page does not.
      if (status === 401) done(true);
      else if (status >= 400) done(false);
      else response.on('data', () => done(true)).on('end', () => done(false));
      response.on('error', () => done(false));
    });
    request.on('error', () => done(false));
    return () => request.destroy();
  });
}

function answersSrt({ host, port }: Place, signal: AbortSignal): Promise<boolean> {
  return settle(signal, (done) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', () => done(false)).on('message', () => done(true));
    socket.connect(port, host.replace(/^\[|\]$/g, ''), () => socket.send(srtInduction()));
    return () => socket.close();
  });
}

/** Runs `begin` once, takes its first answer, cleans up whatever the outcome. */
function settle(signal: AbortSignal, begin: (done: (isThere: boolean) => void) => () => void): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    let isDone = false;
    let cleanUp: () => void = () => undefined;
    const done = (isThere: boolean) => {
      if (isDone) return;
      isDone = true;
      signal.removeEventListener('abort', onAbort);
      cleanUp();
      resolve(isThere);
    };
    const onAbort = () => done(false);
    signal.addEventListener('abort', onAbort, { once: true });
    cleanUp = begin(done);
    if (isDone) cleanUp();
  });
}

function withoutLogin(address: string): URL {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url;
}

/** C0 (version 3) and C1 (time 0, zero, 1528 free bytes). */
function rtmpHello(): Uint8Array {
  const hello = new Uint8Array(1537);
  hello[0] = 3;
  return hello;
}

/** Induction handshake: control packet of type 0, version 4, extension field 2, handshake type 1. */
function srtInduction(): Uint8Array {
  const packet = new Uint8Array(64);
  const view = new DataView(packet.buffer);
  view.setUint32(0, 0x8000_0000);
  view.setUint32(16, 4);
  view.setUint32(20, 2);
  view.setUint32(28, 1500);
  view.setUint32(32, 8192);
  view.setUint32(36, 1);
  view.setUint32(40, 1 + Math.floor(Math.random() * 0x3fff_ffff));
  return packet;
}

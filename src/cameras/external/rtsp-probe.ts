/** Asks an RTSP server what it is and what it plays, over plain TCP: OPTIONS, then DESCRIBE. No media is asked for. */
import { connect, type Socket } from 'node:net';

export interface RtspTarget {
  readonly host: string;
  readonly port: number;
}

export interface RtspDescription {
  /** Status of DESCRIBE; 0: the server speaks RTSP but did not answer it in time. */
  readonly status: number;
  readonly server: string | undefined;
  /** Names of the codecs by media type, lower case. */
  readonly video: string | undefined;
  readonly audio: string | undefined;
  /** Encoding of a data track, for example `klv` or `smpte336m`. */
  readonly data: string | undefined;
}

const maxAnswerBytes = 64 * 1024;
const agent = 'Weir';

/** A connection to a server that answered OPTIONS as RTSP servers do. Close it. */
export interface RtspConnection {
  describe(path: string): Promise<RtspDescription>;
  close(): void;
}

/** Undefined when nobody listens, or whoever does speaks no RTSP. `connectMs` bounds the connection, `answerMs` each answer. */
export async function openRtsp(
  target: RtspTarget,
  limits: { connectMs: number; answerMs: number; signal: AbortSignal },
): Promise<RtspConnection | undefined> {
  const socket = await open(target, limits.connectMs, limits.signal);
  if (socket === undefined) return undefined;
  const dialogue = new Dialogue(socket, limits.answerMs);
  const base = `rtsp://${target.host}:${target.port}`;
  const options = await dialogue.ask(`OPTIONS ${base}/ RTSP/1.0`);
  if (options === undefined) {
    socket.destroy();
    return undefined;
  }
  return {
    async describe(path) {
      const answer = await dialogue.ask(`DESCRIBE ${base}${path} RTSP/1.0`, 'Accept: application/sdp');
      if (answer === undefined) return { status: 0, server: undefined, video: undefined, audio: undefined, data: undefined };
      return { status: answer.status, server: answer.server, ...readSdp(answer.body) };
    },
    close: () => socket.destroy(),
  };
}

/** Media types and codecs of a session description. */
export function readSdp(sdp: string): Pick<RtspDescription, 'video' | 'audio' | 'data'> {
  const found: { video: string | undefined; audio: string | undefined; data: string | undefined } = {
    video: undefined,
    audio: undefined,
    data: undefined,
  };
  let kind: keyof typeof found | undefined;
  for (const line of sdp.split(/\r?\n/).slice(0, 500)) {
    const media = /^m=(\w+) \d+(?:\/\d+)? \S+ (\d+)/.exec(line);
    if (media !== null) {
      kind = media[1] === 'video' || media[1] === 'audio' ? media[1] : 'data';
      // Static payload types need no map.
      if (found[kind] === undefined) found[kind] = staticTypes[Number(media[2])];
      continue;
    }
    const [, codec] = /^a=rtpmap:\d+ ([\w.-]{1,40})\//.exec(line) ?? [];
    if (codec !== undefined && kind !== undefined) found[kind] = codec.toLowerCase();
  }
  return found;
}

const staticTypes: Readonly<Record<number, string>> = { 0: 'pcmu', 8: 'pcma', 26: 'jpeg', 33: 'mp2t' };

interface Answer {
  readonly status: number;
  readonly server: string | undefined;
  readonly body: string;
}

/** One question at a time over one connection. */
class Dialogue {
  readonly #socket: Socket;
  readonly #answerMs: number;
  #pending = Buffer.alloc(0);
  #sequence = 0;
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket, answerMs: number) {
    this.#socket = socket;
    this.#answerMs = answerMs;
    socket.on('data', (chunk) => {
      this.#pending = Buffer.concat([this.#pending, chunk]);
      if (this.#pending.length > maxAnswerBytes) socket.destroy();
      this.#wake();
    });
    socket.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** Undefined when no RTSP answer comes in time. */
  async ask(line: string, ...headers: string[]): Promise<Answer | undefined> {
    if (this.#isOver) return undefined;
    this.#sequence += 1;
    this.#socket.write([line, `CSeq: ${this.#sequence}`, `User-Agent: ${agent}`, ...headers, '', ''].join('\r\n'));
    const deadline = performance.now() + this.#answerMs;
    for (;;) {
      const answer = this.#take();
      if (answer !== 'incomplete') return answer;
      const restMs = deadline - performance.now();
      if (this.#isOver || restMs <= 0) return undefined;
      await this.#news(restMs);
    }
  }

  /** A complete answer from what has come; undefined for what is no RTSP. */
  #take(): Answer | undefined | 'incomplete' {
    const start = this.#pending.subarray(0, 9).toString('latin1');
    if (!'RTSP/1.0 '.startsWith(start) && start !== 'RTSP/1.0 ') return undefined;
    const end = this.#pending.indexOf('\r\n\r\n');
    if (end < 0) return 'incomplete';
    const head = this.#pending.subarray(0, end).toString('latin1');
    const length = Math.min(maxAnswerBytes, Number(/^content-length:\s*(\d{1,9})/im.exec(head)?.[1] ?? 0));
    if (this.#pending.length < end + 4 + length) return 'incomplete';
    const body = this.#pending.subarray(end + 4, end + 4 + length).toString('utf8');
    this.#pending = this.#pending.subarray(end + 4 + length);
    const status = Number(/^RTSP\/1\.0 (\d{3})/.exec(head)?.[1] ?? 0);
    const server = /^server:\s*(.{1,120})$/im.exec(head)?.[1]?.trim();
    return { status, server, body };
  }

  #news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function open({ host, port }: RtspTarget, connectMs: number, signal: AbortSignal): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    const socket = connect({ host, port });
    const cancel = () => socket.destroy();
    const late = setTimeout(cancel, connectMs);
    signal.addEventListener('abort', cancel, { once: true });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(late);
      signal.removeEventListener('abort', cancel);
      resolve(undefined);
    });
    socket.once('connect', () => {
      clearTimeout(late);
      resolve(socket);
    });
  });
}

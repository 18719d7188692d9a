/** Looks whether something answers where a camera should be, without touching its media. */
import { createSocket } from 'node:dgram';
import { access } from 'node:fs/promises';
import { connect } from 'node:net';
import type { SourceDoor } from '../../media/index.js';
import { srtInduction } from './srt-induction.js';

export type Door = SourceDoor | { readonly kind: 'srt'; readonly host: string; readonly port: number };

export interface LookOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** True when the door opens within the time; undefined where only an attempt with media would tell. Never throws. */
export async function isReachable(door: Door, options: LookOptions): Promise<boolean | undefined> {
  if (options.signal.aborted) return undefined;
  switch (door.kind) {
    case 'tcp':
      return canConnect(door, options);
    case 'srt':
      return answersSrt(door, options);
    case 'path':
      return access(door.path).then(
        () => true,
        () => false,
      );
    case 'none':
      return undefined;
  }
}

function canConnect({ host, port }: { host: string; port: number }, { timeoutMs, signal }: LookOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (verdict: boolean) => {
      clearTimeout(late);
      signal.removeEventListener('abort', cancel);
      socket.destroy();
      resolve(verdict);
    };
    const cancel = () => end(false);
    // The socket's own time-out does not count the look-up of the name.
    const late = setTimeout(() => end(false), timeoutMs);
    signal.addEventListener('abort', cancel, { once: true });
    socket.once('connect', () => end(true)).once('timeout', () => end(false));
    socket.on('error', () => end(false));
  });
}

/** An SRT listener answers the first packet of its handshake and keeps nothing of it. */
function answersSrt({ host, port }: { host: string; port: number }, { timeoutMs, signal }: LookOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    let isOver = false;
    const end = (verdict: boolean) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(late);
      clearInterval(again);
      signal.removeEventListener('abort', cancel);
      socket.close();
      resolve(verdict);
    };
    const cancel = () => end(false);
    const late = setTimeout(() => end(false), timeoutMs);
    const again = setInterval(() => send(), Math.max(100, timeoutMs / 4));
    const send = () => socket.send(srtInduction(), port, host, (error) => (error === null ? undefined : end(false)));
    signal.addEventListener('abort', cancel, { once: true });
    socket.on('error', () => end(false));
    // First bit set: a control packet; type 0: a handshake.
    socket.on('message', (packet) => {
      if (packet.length >= 64 && packet.readUInt16BE(0) === 0x8000) end(true);
    });
    send();
  });
}

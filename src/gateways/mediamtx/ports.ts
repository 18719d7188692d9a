/** Ports of a supervised MediaMTX: it listens where it is told, so free ones are chosen for it. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { WeirError } from '../../contracts/index.js';
import { findListener } from '../../supervisor/index.js';

/** 0: that protocol is off. */
export interface MtxPorts {
  readonly api: number;
  readonly rtsp: number;
  readonly webrtc: number;
  /** UDP, for the media of WebRTC. */
  readonly webrtcMedia: number;
  readonly hls: number;
  readonly rtmp: number;
  /** UDP. */
  readonly srt: number;
}

export type PortName = keyof MtxPorts;
export const portNames = ['api', 'rtsp', 'webrtc', 'webrtcMedia', 'hls', 'rtmp', 'srt'] as const satisfies readonly PortName[];

interface PortPlace {
  readonly host: string;
  readonly isUdp: boolean;
}

function placeOf(name: PortName, bind: string): PortPlace {
  return { host: name === 'api' ? '127.0.0.1' : bind, isUdp: name === 'srt' || name === 'webrtcMedia' };
}

/**
 * The wanted ports; for -1 that of last time while it is free, else any free one. Throws `failed_precondition` naming whoever holds a
 * port that was asked for.
 */
export async function choosePorts(wanted: MtxPorts, bind: string, last: MtxPorts | undefined): Promise<MtxPorts> {
  const chosen: Partial<Record<PortName, number>> = {};
  const taken = new Set<number>();
  for (const name of portNames) {
    const port = await choosePort(name, wanted[name], placeOf(name, bind), last?.[name] ?? -1, taken);
    chosen[name] = port;
    taken.add(port);
  }
  return chosen as MtxPorts;
}

async function choosePort(name: PortName, wanted: number, place: PortPlace, last: number, taken: ReadonlySet<number>): Promise<number> {
  if (wanted === 0) return 0;
  if (wanted > 0) {
    if (await isFree(place, wanted)) return wanted;
    throw takenError(name, wanted, place);
  }
  if (last > 0 && !taken.has(last) && (await isFree(place, last))) return last;
  for (;;) {
    const port = await anyFree(place);
    if (!taken.has(port)) return port;
  }
}

function takenError(name: PortName, port: number, place: PortPlace): WeirError {
  const holder = place.isUdp ? undefined : findListener(port);
  const who = holder === undefined ? 'by another program' : `by process ${holder.pid} (${holder.command})`;
  const field = `gateway.${name === 'webrtcMedia' ? 'webrtc' : name}_port`;
  return new WeirError('failed_precondition', `Port ${port} of MediaMTX (${name}) is taken ${who}`, {
    field,
    received: port,
    hint: `Stop that program, choose another ${field} (-1: any, 0: off), or name a MediaMTX that runs already with gateway.url`,
  });
}

function isFree(place: PortPlace, port: number): Promise<boolean> {
  return bindOnce(place, port).then(
    () => true,
    () => false,
  );
}

function anyFree(place: PortPlace): Promise<number> {
  return bindOnce(place, 0);
}

function bindOnce({ host, isUdp }: PortPlace, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    if (isUdp) {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.once('error', (error) => {
        socket.close();
        reject(error);
      });
      socket.bind({ port, address: host, exclusive: true }, () => {
        const chosen = socket.address().port;
        socket.close(() => resolve(chosen));
      });
      return;
    }
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}

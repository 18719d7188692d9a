/** An HTTP server with a live MPEG-TS programme made by FFmpeg, as cameras and restreamers offer it. Tests only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LiveServer {
  readonly port: number;
  readonly url: string;
  /** Requests taken so far. */
  readonly requests: number;
  /** Of the present encoder. */
  readonly encoder: ChildProcess;
  /** Goes on with another programme on the same connections. */
  play(programme: Programme): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface Programme {
  /** Default 640x360. */
  readonly size?: string;
  /** Default 30. */
  readonly frameRate?: number;
  /** Frames between keyframes; default one second of them. */
  readonly keyEvery?: number;
  /** Adds a tone. */
  readonly hasAudio?: boolean;
  /** The picture ends after so long; with `hasAudio` the sound goes on. */
  readonly videoForS?: number;
  /** The picture stands still from this frame on, and goes on being sent. */
  readonly freezeAtFrame?: number;
}

/** Starts it on a free port; the programme runs from now on, whether or not somebody listens. */
export async function startLiveServer(programme: Programme = {}): Promise<LiveServer> {
  const clients = new Set<ServerResponse>();
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(200, { 'content-type': 'video/mp2t' });
    response.flushHeaders();
    clients.add(response);
    response.on('close', () => clients.delete(response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const air = async (what: Programme): Promise<ChildProcess> => {
    const child = spawn('ffmpeg', encoderArgs(what), { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.on('data', (chunk: Buffer) => {
      // A client that does not read loses data, as on the air.
      for (const client of clients) if (client.writableLength < 4_000_000) client.write(chunk);
    });
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
    return child;
  };
  let encoder = await air(programme);
  const end = async () => {
    if (encoder.exitCode !== null || encoder.signalCode !== null) return;
    const exited = once(encoder, 'exit');
    encoder.kill('SIGKILL');
    await exited;
  };
  const stop = async () => {
    await end();
    server.closeAllConnections();
    server.close();
  };
  return {
    port,
    url: `http://127.0.0.1:${port}/live.ts`,
    get requests() {
      return requests;
    },
    get encoder() {
      return encoder;
    },
    async play(what) {
      await end();
      encoder = await air(what);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function encoderArgs(programme: Programme): string[] {
  const { size = '640x360', frameRate = 30, keyEvery = frameRate, videoForS, freezeAtFrame } = programme;
  const duration = videoForS === undefined ? '' : `:duration=${videoForS}`;
  const still = freezeAtFrame === undefined ? '' : `,loop=loop=-1:size=1:start=${freezeAtFrame}`;
  const sound = programme.hasAudio === true ? ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'] : [];
  // biome-ignore format: pairs of option and value
  return [
    '-nostdin', '-v', 'error',
    '-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=${frameRate}${duration}${still},format=yuv420p`, ...sound,
    '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', String(keyEvery), '-b:v', '800k',
    ...(sound.length > 0 ? ['-c:a', 'aac', '-b:a', '64k'] : []),
    '-max_interleave_delta', '200000', '-flush_packets', '1', '-muxdelay', '0', '-f', 'mpegts', 'pipe:1',
  ];
}

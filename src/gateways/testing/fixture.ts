/** A gateway with all it is given, in a temp folder; its cameras are test pictures that FFmpeg publishes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { createStreamTokens } from '../../access/index.js';
import { configSchema, type Session } from '../../contracts/index.js';
import { silentLogger } from '../../telemetry/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../../testkit/index.js';
import type { Gateway, GatewayEvent, GatewayTokens, PathWish } from '../gateway.js';
import { type GatewaySettings, startGateway } from '../index.js';

export const admin: Session = { user_id: 'u1', username: 'admin', role: 'admin', streams: null, expires_at: null };

/** Publishes whatever the device is called. */
export const testCommand =
  'ffmpeg -nostdin -v error -re -f lavfi -i testsrc2=size=160x120:rate=10 -c:v libx264 -preset ultrafast -tune zerolatency -g 10 -metadata comment={device_path} -f rtsp -rtsp_transport tcp rtsp://127.0.0.1:{rtsp_port}/{path_name}';

export interface Fixture {
  readonly gateway: Gateway;
  readonly folder: string;
  readonly events: GatewayEvent[];
  /** What should exist; tell with `changed`. */
  readonly wishes: PathWish[];
  changed(): void;
  /** API token of a viewer of all streams. */
  readonly viewerToken: string;
  readonly operatorToken: string;
  readonly tokens: GatewayTokens;
  /** Takes the rights of a user or a token, by its id, away. */
  revoke(id: string): void;
  /** Another gateway on the same folder, as after a restart of the hub; the first must have been detached or stopped. */
  restart(): Promise<Gateway>;
  untilRunning(): Promise<void>;
  rtsp(path: string, credentials?: string): string;
  [Symbol.asyncDispose](): Promise<void>;
}

const anyPorts = { api_port: -1, rtsp_port: -1, webrtc_port: 0, hls_port: 0, rtmp_port: 0, srt_port: 0 };

export async function openFixture(settings: Partial<GatewaySettings> = {}): Promise<Fixture> {
  const folder = await makeTempFolder('gateway');
  const events: GatewayEvent[] = [];
  const wishes: PathWish[] = [];
  const listeners = new Set<() => void>();
  const hub = await startHub();
  const viewerToken = 'weir_viewer_0000000000000000';
  const operatorToken = 'weir_operator_00000000000000';
  const revoked = new Set<string>();
  const revocations = new Set<() => void>();
  const tokens = createStreamTokens({
    signingSecret: 'a signing secret for tests, of no worth',
    mayStill: async (userId) => !revoked.has(userId),
  });
  const parsed = configSchema.parse({
    gateway: { close_after_s: 1, start_timeout_s: 8, health_interval_s: 0.3, command: testCommand, ...anyPorts, ...settings },
  });
  const open = () =>
    startGateway({
      settings: parsed.gateway,
      folder: join(folder, 'gateway'),
      recordingsFolder: join(folder, 'recordings'),
      secret: (name) => `a secret for tests: ${name}`,
      hubUrl: () => hub.url,
      wished: {
        list: () => wishes,
        onChange(listener) {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
      },
      knowsStream: (streamId) => !streamId.startsWith('unknown'),
      access: {
        byToken: async (secret) => {
          const role = secret === viewerToken ? 'viewer' : secret === operatorToken ? 'operator' : undefined;
          return role === undefined
            ? undefined
            : { kind: 'token', id: role, session: { ...admin, role, streams: role === 'viewer' ? ['camera0', 'camera1'] : null } };
        },
        byPassword: async (username, password) =>
          password === `${username}-password` ? { kind: 'session', id: username, session: { ...admin, username, role: 'viewer' } } : undefined,
        async rightsNow({ id, session, madeBy = id }) {
          const isOver = session.expires_at !== null && Date.parse(session.expires_at) <= Date.now();
          return isOver || revoked.has(madeBy) ? undefined : session;
        },
        onRevoked(listener) {
          revocations.add(listener);
          return () => void revocations.delete(listener);
        },
      },
      tokens,
      log: silentLogger,
    });
  const endHub = () => {
    hub.server.closeAllConnections();
    hub.server.close();
    for (const child of hub.children) child.kill('SIGKILL');
  };
  let gateway = await open().catch(async (error: unknown) => {
    endHub();
    await removeFolder(folder);
    throw error;
  });
  gateway.onEvent((event) => events.push(event));
  return {
    get gateway() {
      return gateway;
    },
    folder,
    events,
    wishes,
    changed() {
      for (const listener of listeners) listener();
    },
    viewerToken,
    operatorToken,
    tokens,
    revoke(id) {
      revoked.add(id);
      for (const listener of revocations) listener();
    },
    async restart() {
      gateway = await open();
      gateway.onEvent((event) => events.push(event));
      return gateway;
    },
    untilRunning: async () =>
      void (await waitFor(() => gateway.state().state === 'running', { deadlineMs: 10_000, what: `running: ${gateway.state().error}` })),
    rtsp(path, credentials) {
      const url = gateway.urlsOf(path, 'localhost:8080').rtsp ?? `rtsp://localhost:1/${path}`;
      return credentials === undefined ? url : url.replace('//', `//${credentials}@`);
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      endHub();
      await removeFolder(folder);
    },
  };
}

/** A hub that plays a test picture for whoever has a token for the stream. */
async function startHub(): Promise<{ url: string; server: Server; children: Set<ChildProcess> }> {
  const children = new Set<ChildProcess>();
  const server = createServer((request, response) => {
    if (!/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/.test(request.headers.authorization ?? '')) return void response.writeHead(401).end();
    response.writeHead(200, { 'content-type': 'video/mp4' });
    // biome-ignore format: pairs of option and value
    const child = spawn('ffmpeg', [
      '-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10', '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '10',
      '-f', 'mp4', '-movflags', 'empty_moov+default_base_moof+frag_every_frame', 'pipe:1',
    ], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.add(child);
    child.stdout.pipe(response);
    request.on('close', () => child.kill('SIGKILL'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`, server, children };
}

export interface Player {
  /** Frames decoded so far. */
  readonly frames: number;
  readonly ended: Promise<{ code: number | null; lastWords: string }>;
  stop(): Promise<void>;
}

/** FFmpeg as a player of a real address; `options` go before it. */
export function play(url: string, options: readonly string[] = ['-rtsp_transport', 'tcp']): Player {
  let frames = 0;
  let lastWords = '';
  const child = spawn('ffmpeg', ['-nostdin', '-v', 'error', ...options, '-i', url, '-an', '-f', 'framecrc', '-flush_packets', '1', 'pipe:1'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.on('data', (chunk: Buffer) => {
    frames += chunk.toString().match(/^0,/gm)?.length ?? 0;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-500);
  });
  const ended = new Promise<{ code: number | null; lastWords: string }>((resolve) => child.once('close', (code) => resolve({ code, lastWords })));
  return {
    get frames() {
      return frames;
    },
    ended,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

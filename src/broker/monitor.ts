/** What the server tells about itself on its monitoring port. */
import { Agent, get } from 'node:http';

export type Health =
  | { kind: 'ok' }
  /** It answers, but not well. */
  | { kind: 'bad'; message: string }
  /** Nobody listens, or the connection broke. */
  | { kind: 'refused' }
  /** It took the connection, or never did, and no answer came in time. */
  | { kind: 'silent' };

/** The part of `/varz` that Weir looks at. */
export interface ServerFigures {
  version: string;
  config_load_time: string;
  connections: number;
  slow_consumers: number;
  in_msgs: number;
  out_msgs: number;
  in_bytes: number;
  out_bytes: number;
  mem: number;
  cpu: number;
}

export interface Monitor {
  health(timeoutMs: number): Promise<Health>;
  /** Fails when no sound answer comes within `timeoutMs`. */
  figures(timeoutMs: number): Promise<ServerFigures>;
  close(): void;
}

/** Looking at every stream costs more than a look at the server. */
const storeEveryMs = 2000;

/** Asks the server that monitors on this loopback port. */
export function createMonitor(port: number): Monitor {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  let storeAskedAt = Number.NEGATIVE_INFINITY;
  let storeIsSilent = false;
  /** A server may call itself healthy while its store is stuck (2.9 is, after a write to a full disk): only a look at the streams tells. */
  const askStore = async (timeoutMs: number) => {
    if (!storeIsSilent && performance.now() - storeAskedAt < storeEveryMs) return;
    storeAskedAt = performance.now();
    storeIsSilent = true;
    await fetchText(agent, port, '/jsz?streams=true', timeoutMs);
    storeIsSilent = false;
  };
  return {
    async health(timeoutMs) {
      try {
        const { status, body } = await fetchText(agent, port, '/healthz', timeoutMs);
        if (status !== 200) return { kind: 'bad', message: errorOf(body) ?? `health answered ${status}` };
        await askStore(timeoutMs);
        return { kind: 'ok' };
      } catch (error) {
        return (error as Error).name === 'AbortError' ? { kind: 'silent' } : { kind: 'refused' };
      }
    },
    async figures(timeoutMs) {
      const { body } = await fetchText(agent, port, '/varz', timeoutMs);
      return JSON.parse(body) as ServerFigures;
    },
    close: () => agent.destroy(),
  };
}

function fetchText(agent: Agent, port: number, path: string, timeoutMs: number): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const request = get({ agent, host: '127.0.0.1', port, path, signal }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (body.length < 1_000_000) body += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject);
  });
}

function errorOf(body: string): string | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}

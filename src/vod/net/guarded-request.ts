/** HTTP to addresses that others chose: never into the network that the hub stands in, unless its owner names the host. */
import type { IncomingHttpHeaders } from 'node:http';

export interface GuardedRequestOptions {
  readonly method?: 'GET' | 'HEAD' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Names or addresses (`host` or `host:port`) that may lie inside the network: `vod.fetch_hosts`. */
  readonly allowedHosts: readonly string[];
  /** Until the headers of the answer are there; default 15,000. */
  readonly timeoutMs?: number;
  /** The body may be silent for so long; default 30,000. */
  readonly idleMs?: number;
  /** Field that errors name; default `url`. */
  readonly field?: string;
  readonly signal?: AbortSignal;
}

export interface GuardedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Address that was connected to. */
  readonly address: string;
  /** The body as it comes, once; stopping the iteration ends the connection. Fails with `unavailable` when it breaks off, `deadline_exceeded` when it is silent. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection without reading the body. */
  discard(): void;
}

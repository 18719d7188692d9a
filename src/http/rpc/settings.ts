/** What the JSON-RPC door is given besides what all of the HTTP server has. */
import type { Config } from '../../contracts/index.js';
import type { RpcMethodName } from '../../contracts/rpc/index.js';
import type { RpcEvents } from './events.js';

/** What `get_server_info` and its like tell. */
export interface RpcFacts {
  readonly version: string;
  /** When this version was built, as text. */
  readonly buildDate: string;
  readonly maxCameras: number;
  /** Whether devices are looked for. */
  readonly discovery: boolean;
  /** Seconds after its last viewer at which an on-demand stream ends. */
  readonly lingerS: number;
}

/** One finished call, for metrics. `method` is a name of the contract, or `unknown`. */
export interface RpcCallRecord {
  readonly method: RpcMethodName | 'unknown';
  /** `ok`, or the number of the error. */
  readonly outcome: 'ok' | number;
  readonly seconds: number;
}

export interface RpcSettings {
  /** Those of the start; `RpcServer.configure` changes them. */
  readonly limits: Config['rpc'];
  /** Read with each question. */
  readonly facts: RpcFacts;
  /** Default: none. */
  readonly events?: RpcEvents;
  /** Undefined once calls can be served, else what is missing. */
  readonly notReady: () => string | undefined;
  /** The path of a stream at the gateway as last seen; default: told from the stream itself. Must not wait. */
  readonly gatewayPath?: (streamId: string) => { readonly exists: boolean; readonly ready: boolean; readonly readers: number } | undefined;
  /** Called once per finished call. */
  readonly observe?: (record: RpcCallRecord) => void;
  /** Seconds that a message may take from its first byte to its last. Default 15. */
  readonly messageTimeoutS?: number;
}

export interface RpcCounters {
  readonly open: number;
  readonly authenticated: number;
  readonly accepted: number;
  readonly refused: { readonly origin: number; readonly limit: number; readonly handshake: number };
  readonly calls: number;
  readonly failed: number;
  readonly notifications: number;
  /** Sockets ended by us, by reason. */
  readonly cut: { readonly too_slow: number; readonly no_pong: number; readonly half_message: number; readonly revoked: number };
}

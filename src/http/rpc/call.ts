/** One call, as the methods see it. */
import type { RpcMethodName, RpcParams, RpcResult } from '../../contracts/rpc/index.js';
import type { Operations, Principal, RequestContext } from '../operations.js';
import type { RpcSettings } from './settings.js';
import type { Listener, SubscriptionBook } from './subscriptions.js';

/** What a method may know and change of its connection. */
export interface RpcConnection extends Listener {
  /** UUID, told to the client as `session_id` and `client_id`. */
  readonly id: string;
  readonly address: string;
  /** Signs the connection in, in place of whoever was. */
  signIn(principal: Principal): void;
}

export interface RpcCall {
  readonly connection: RpcConnection;
  /** Handed to operations. */
  readonly context: RequestContext;
}

/** Does the work of one method: translates, calls operations, translates back. */
export type RpcWork<N extends RpcMethodName> = (params: RpcParams<N>, call: RpcCall) => Promise<RpcResult<N>> | RpcResult<N>;

/** One for every method of the contract; the compiler refuses a missing one. */
export type RpcWorks = { readonly [N in RpcMethodName]: RpcWork<N> };

/** What the methods stand on. */
export interface MethodParts {
  readonly operations: RpcOperations;
  readonly settings: RpcSettings;
  readonly book: SubscriptionBook;
}

/** The operations that this door leads to. */
export type RpcOperations = Pick<
  Operations,
  | 'list_cameras'
  | 'get_camera'
  | 'scan_external_streams'
  | 'add_external_stream'
  | 'remove_external_stream'
  | 'list_external_streams'
  | 'set_scan_interval'
  | 'take_snapshot'
  | 'start_recording'
  | 'stop_recording'
  | 'get_recording'
  | 'list_recordings'
  | 'list_segments'
  | 'get_segment'
  | 'delete_segment'
  | 'list_snapshots'
  | 'get_snapshot'
  | 'delete_snapshot'
  | 'get_storage'
  | 'set_retention'
  | 'cleanup_storage'
  | 'list_streams'
  | 'get_stream'
  | 'start_stream'
  | 'stop_stream'
  | 'stream_command_preview'
  | 'system_health'
  | 'get_gateway'
>;

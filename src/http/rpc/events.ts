/** Where the JSON-RPC door hears of what happens. It is given this interface; who feeds it is not its business. */
import type { RpcNotificationData, RpcNotificationName, RpcTopic, RpcTopicData } from '../../contracts/rpc/index.js';

interface About {
  /** Only logins that may use this stream are told; absent: everybody. */
  readonly streamId?: string;
}

/** Something for those who subscribed to its topic. */
export type RpcTopicEvent = { readonly [T in RpcTopic]: About & { readonly topic: T; readonly data: RpcTopicData<T> } }[RpcTopic];

/** Something for everybody who is signed in. */
export type RpcNotificationEvent = {
  readonly [N in RpcNotificationName]: About & {
    readonly notification: N;
    readonly data: RpcNotificationData<N>;
    /** The same for clients that reached the hub by this host; absent: it is the same for all. */
    readonly dataAt?: (host: string) => RpcNotificationData<N>;
  };
}[RpcNotificationName];

export type RpcEvent = RpcTopicEvent | RpcNotificationEvent;

export interface RpcEvents {
  /** Calls the listener with each event until the returned function is called. */
  on(listener: (event: RpcEvent) => void): () => void;
}

/** A source that never has anything to tell. */
export const noRpcEvents: RpcEvents = { on: () => () => undefined };

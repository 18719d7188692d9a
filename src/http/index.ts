/** The door of the HTTP part. */
export { type BusProxyCounters, type BusProxyOptions, type BusRefusal, busRefusals } from './bus-proxy.js';
export type { LoginMatch, OpenConnections } from './connections.js';
export type {
  AuditRecord,
  Authentication,
  EventsAnswer,
  MediaAnswer,
  Operation,
  OperationAnswer,
  Operations,
  Principal,
  RequestContext,
  ServerSentEvent,
  StaticFile,
  StaticFiles,
} from './operations.js';
export { mayUseStream } from './operations.js';
export { createRpcEventFeed, type RpcEventFeed } from './rpc/event-feed.js';
export { noRpcEvents, type RpcEvent, type RpcEvents, type RpcTopicEvent } from './rpc/events.js';
export { toRpcCamera } from './rpc/methods/words.js';
export type { RpcServer } from './rpc/server.js';
export type { RpcCallRecord, RpcCounters, RpcFacts, RpcSettings } from './rpc/settings.js';
export { createHttpServer, type HttpLog, type HttpServer, type HttpServerOptions, type RequestRecord } from './server.js';
export { type HealthListenerOptions, type ListenAddress, type SideListener, startHealthListener, startRpcListener } from './side-listeners.js';

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
export { createHttpServer, type HttpLog, type HttpServer, type HttpServerOptions, type RequestRecord } from './server.js';

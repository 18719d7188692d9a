/** The JSON-RPC contract: every method with who may call it, what goes in and comes out, the events, the errors. */
import type { z } from 'zod';
import { cameraMethods } from './cameras.js';
import { eventMethods } from './events.js';
import { externalMethods } from './external.js';
import type { RpcMethod } from './method.js';
import { recordingMethods } from './recordings.js';
import { sessionMethods } from './session.js';
import { streamMethods } from './streams.js';
import { systemMethods } from './system.js';

export {
  type RpcId,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
  rpcCloseCodes,
  rpcIdSchema,
  rpcMetadataSchema,
  rpcNotificationSchema,
  rpcRequestSchema,
  rpcResponseSchema,
} from './envelope.js';
export { commonErrors, type RpcError, type RpcErrorNumber, rpcErrorNumbers, rpcErrorSchema, rpcErrors } from './errors.js';
export { type EventFilters, eventFiltersSchema } from './events.js';
export { rpcExternalStreamSchema } from './external.js';
export { type CallLimit, defaultLimit, failedLoginLimit, type RpcMethod } from './method.js';
export { permissionWords } from './session.js';
export { type ComponentWord, componentWords, fileItemSchema, type RecordingWord, type RpcCamera, recordingWords, rpcCameraSchema } from './shapes.js';
export {
  type RpcNotificationData,
  type RpcNotificationName,
  type RpcTopic,
  type RpcTopicData,
  rpcNotificationNames,
  rpcNotifications,
  rpcTopicNames,
  rpcTopics,
} from './topics.js';

export const rpcMethods = {
  ...sessionMethods,
  ...cameraMethods,
  ...recordingMethods,
  ...streamMethods,
  ...systemMethods,
  ...eventMethods,
  ...externalMethods,
} as const satisfies Record<string, RpcMethod>;

export type RpcMethodName = keyof typeof rpcMethods;
export const rpcMethodNames = Object.keys(rpcMethods) as RpcMethodName[];
/** Parameters as a client sends them. */
export type RpcParamsInput<N extends RpcMethodName> = z.input<(typeof rpcMethods)[N]['params']>;
/** Parameters after the check, with their defaults. */
export type RpcParams<N extends RpcMethodName> = z.output<(typeof rpcMethods)[N]['params']>;
export type RpcResult<N extends RpcMethodName> = z.output<(typeof rpcMethods)[N]['result']>;

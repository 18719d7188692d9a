/**
 * What the hub tells by itself. Two documented notifications go to every connection that is signed in; topics go to those that
 * subscribed, with the name of the topic as method and the data as parameters.
 */
import { z } from 'zod';
import { timestampSchema } from '../ids.js';
import { count } from '../numbers.js';
import { deviceSchema, rpcCameraSchema, rpcCameraStatuses, wholeSeconds } from './shapes.js';

const status = z.enum(rpcCameraStatuses);
const at = { timestamp: timestampSchema };
const recordingUpdates = ['STARTED', 'STOPPED', 'ERROR', 'FAILED'] as const;
const recordingData = {
  device: deviceSchema,
  status: z.enum(recordingUpdates),
  filename: z.string().describe('without extension; empty when no file was begun'),
  duration: wholeSeconds,
  ...at,
};
const reason = z.string();
const gatewayStream = { device: deviceSchema, stream_id: z.string(), stream_type: z.literal('live'), ...at };

/**
 * Topic to its data. The `mediamtx.` topics tell of the gateway, whichever it is; there is none for recordings of the gateway, since it
 * makes none.
 */
export const rpcTopics = {
  'camera.connected': z.strictObject({
    device: deviceSchema,
    name: z.string(),
    status,
    driver: z.string().optional(),
    card_name: z.string().optional(),
    ...at,
  }),
  'camera.disconnected': z.strictObject({ device: deviceSchema, status, ...at }),
  'camera.status_change': z.strictObject({ device: deviceSchema, name: z.string(), old_status: status, new_status: status, ...at }),
  'camera.capability_detected': z.strictObject({ device: deviceSchema, name: z.string(), formats: z.array(z.string()), ...at }),
  'camera.capability_error': z.strictObject({ device: deviceSchema, name: z.string(), error: z.string(), ...at }),
  'recording.start': z.strictObject(recordingData),
  'recording.stop': z.strictObject(recordingData),
  'recording.error': z.strictObject({ ...recordingData, reason }),
  'recording.progress': z.strictObject({
    device: deviceSchema,
    filename: z.string(),
    duration: wholeSeconds,
    file_size: count,
    ...at,
  }),
  'snapshot.taken': z.strictObject({ device: deviceSchema, filename: z.string(), resolution: z.string(), ...at }),
  'snapshot.error': z.strictObject({ device: deviceSchema, error: z.string(), ...at }),
  'system.health': z.strictObject({
    status: z.enum(['HEALTHY', 'DEGRADED', 'UNHEALTHY']),
    metrics: z.record(z.string(), z.number()),
    ...at,
  }),
  'system.error': z.strictObject({ component: z.string(), error: z.string(), ...at }),
  'system.startup': z.strictObject({ version: z.string(), build_info: z.string(), ...at }),
  'system.shutdown': z.strictObject({ reason, ...at }),
  'mediamtx.stream': z.strictObject({ device: deviceSchema, stream_id: z.string(), state: z.string(), ...at }),
  'mediamtx.path': z.strictObject({ device: deviceSchema, path: z.string(), exists: z.boolean(), ready: z.boolean(), ...at }),
  'mediamtx.error': z.strictObject({ error: z.string(), ...at }),
  'mediamtx.stream_started': z.strictObject(gatewayStream),
  'mediamtx.stream_stopped': z.strictObject(gatewayStream),
} as const satisfies Record<string, z.ZodObject>;

export type RpcTopic = keyof typeof rpcTopics;
export const rpcTopicNames = Object.keys(rpcTopics) as [RpcTopic, ...RpcTopic[]];
export type RpcTopicData<T extends RpcTopic> = z.infer<(typeof rpcTopics)[T]>;

export const rpcNotifications = {
  camera_status_update: rpcCameraSchema,
  recording_status_update: z.strictObject({
    device: deviceSchema,
    status: z.enum(recordingUpdates),
    filename: z.string(),
    duration: wholeSeconds,
  }),
} as const satisfies Record<string, z.ZodObject>;
export type RpcNotificationName = keyof typeof rpcNotifications;
export const rpcNotificationNames = Object.keys(rpcNotifications) as RpcNotificationName[];
export type RpcNotificationData<N extends RpcNotificationName> = z.infer<(typeof rpcNotifications)[N]>;

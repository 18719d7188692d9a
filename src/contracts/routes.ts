/** Every HTTP route: method, path, who may call it, what goes in and comes out. Validation, access checks, OpenAPI and the client are read from this table. */
import { z } from 'zod';
import * as access from './access.js';
import { spokeSchema } from './agent.js';
import { alertSchema } from './alert.js';
import { historyReplySchema, historyRequestSchema } from './history.js';
import { idSchema, streamIdSchema, timestampSchema } from './ids.js';
import * as stream from './stream.js';
import { systemHealthSchema } from './system.js';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Path below the hub's root with `{parameter}` parts. */
  readonly path: string;
  /** Least role; `anyone` needs no login. */
  readonly role: access.Role | 'anyone';
  readonly summary: string;
  readonly tag: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Schema of the JSON answer; absent where the answer is not JSON (`produces`) or empty (204). */
  readonly answer?: z.ZodType;
  readonly status?: 200 | 201 | 202 | 204;
  /** Media type of an answer that is not JSON. */
  readonly produces?: string;
  /** Also answers clients that are not signed in yet within this many requests per minute and address. */
  readonly rateLimitPerMinute?: number;
}

const streamParams = z.object({ stream_id: streamIdSchema });
const userParams = z.object({ user_id: idSchema });

/** Pages: `limit` items from `cursor`; `next_cursor` is null on the last page. */
const pageQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(100), cursor: z.string().max(200).optional() });
function page<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

const streamCommandAnswer = z.object({ result: stream.commandResultSchema, stream: stream.streamSchema });
const healthAnswer = z.object({ status: z.string() });

export const routes = {
  // Streams
  list_streams: {
    method: 'GET',
    path: '/api/v1/streams',
    role: 'viewer',
    tag: 'streams',
    summary: 'Streams you may see',
    query: pageQuery.extend({ state: z.enum(stream.streamStates).optional(), text: z.string().max(120).optional() }),
    answer: page(stream.streamSchema),
  },
  create_stream: {
    method: 'POST',
    path: '/api/v1/streams',
    role: 'operator',
    tag: 'streams',
    summary: 'Define a stream and, by default, start it',
    body: stream.createStreamSchema,
    answer: stream.streamSchema,
    status: 201,
  },
  probe_source: {
    method: 'POST',
    path: '/api/v1/streams/probe',
    role: 'operator',
    tag: 'streams',
    summary: 'Look at a source without defining a stream',
    body: z.strictObject({ device: z.string().min(1).max(2048), spoke: idSchema.optional() }),
    answer: stream.sourceProbeSchema,
  },
  preview_command: {
    method: 'POST',
    path: '/api/v1/streams/preview',
    role: 'operator',
    tag: 'streams',
    summary: 'The FFmpeg command a configuration would run (credentials masked)',
    body: z.strictObject({ config: stream.streamConfigSchema }),
    answer: z.object({ command: z.array(z.string()) }),
  },
  get_stream: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}',
    role: 'viewer',
    tag: 'streams',
    summary: 'One stream',
    params: streamParams,
    answer: stream.streamSchema,
  },
  update_stream: {
    method: 'PATCH',
    path: '/api/v1/streams/{stream_id}',
    role: 'operator',
    tag: 'streams',
    summary: 'Change a stream; a change of its configuration is applied to the running stream',
    params: streamParams,
    body: stream.updateStreamSchema,
    answer: z.object({ stream: stream.streamSchema, will_blink: z.boolean() }),
  },
  delete_stream: {
    method: 'DELETE',
    path: '/api/v1/streams/{stream_id}',
    role: 'operator',
    tag: 'streams',
    summary: 'Stop and forget a stream',
    params: streamParams,
    status: 204,
  },
  start_stream: {
    method: 'POST',
    path: '/api/v1/streams/{stream_id}/start',
    role: 'operator',
    tag: 'streams',
    summary: 'Start',
    params: streamParams,
    answer: streamCommandAnswer,
  },
  stop_stream: {
    method: 'POST',
    path: '/api/v1/streams/{stream_id}/stop',
    role: 'operator',
    tag: 'streams',
    summary: 'Stop',
    params: streamParams,
    answer: streamCommandAnswer,
  },
  restart_stream: {
    method: 'POST',
    path: '/api/v1/streams/{stream_id}/restart',
    role: 'operator',
    tag: 'streams',
    summary: 'Stop and start',
    params: streamParams,
    answer: streamCommandAnswer,
  },
  stream_status: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/status',
    role: 'viewer',
    tag: 'streams',
    summary: 'State right now, asked of the spoke',
    params: streamParams,
    answer: stream.streamStatusSchema,
  },
  stream_command_preview: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/command',
    role: 'operator',
    tag: 'streams',
    summary: 'The FFmpeg command of this stream (credentials masked)',
    params: streamParams,
    query: z.object({ encoder: z.enum(stream.videoEncoders).optional() }),
    answer: z.object({ command: z.array(z.string()) }),
  },
  stream_history: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/history',
    role: 'viewer',
    tag: 'streams',
    summary: 'Past metrics, log lines and status changes',
    params: streamParams,
    query: z.object({
      kind: historyRequestSchema.shape.kind,
      after: z.coerce.number().int().nonnegative().optional(),
      since: timestampSchema.optional(),
      until: timestampSchema.optional(),
      limit: z.coerce.number().int().min(1).max(5000).optional(),
      step_s: z.coerce.number().min(0.2).max(3600).optional(),
      text: z.string().max(200).optional(),
      level: z.enum(stream.logLevels).optional(),
    }),
    answer: historyReplySchema,
  },
  stream_still: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/still.jpg',
    role: 'viewer',
    tag: 'media',
    summary: 'Picture of the newest keyframe',
    params: streamParams,
    query: z.object({ width: z.coerce.number().int().min(16).max(7680).optional() }),
    produces: 'image/jpeg',
  },
  stream_live_mp4: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/live.mp4',
    role: 'viewer',
    tag: 'media',
    summary: 'Endless fragmented MP4 from the newest keyframe on',
    params: streamParams,
    produces: 'video/mp4',
  },
  stream_hls: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/hls/index.m3u8',
    role: 'viewer',
    tag: 'media',
    summary: 'Live HLS playlist (CMAF) over the same fragments',
    params: streamParams,
    produces: 'application/vnd.apple.mpegurl',
  },
  stream_hls_part: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/hls/{part}',
    role: 'viewer',
    tag: 'media',
    summary: 'Init segment or media segment of the playlist',
    params: streamParams.extend({ part: z.string().regex(/^(?:init-[A-Za-z0-9]+\.mp4|[0-9]+-[0-9]+\.m4s)$/) }),
    produces: 'video/mp4',
  },
  events: {
    method: 'GET',
    path: '/api/v1/events',
    role: 'viewer',
    tag: 'events',
    summary: 'Status, progress, alerts and changes as server-sent events, for clients without NATS; resumes after Last-Event-ID',
    query: z.object({ stream_id: streamIdSchema.optional(), types: z.string().max(200).optional() }),
    produces: 'text/event-stream',
  },

  // Spokes, alerts, system
  list_spokes: {
    method: 'GET',
    path: '/api/v1/spokes',
    role: 'operator',
    tag: 'spokes',
    summary: 'Spokes that announced themselves',
    answer: z.object({ items: z.array(spokeSchema) }),
  },
  drain_spoke: {
    method: 'POST',
    path: '/api/v1/spokes/{spoke_id}/drain',
    role: 'admin',
    tag: 'spokes',
    summary: 'Move its streams elsewhere and take no new ones',
    params: z.object({ spoke_id: idSchema }),
    answer: spokeSchema,
  },
  list_alerts: {
    method: 'GET',
    path: '/api/v1/alerts',
    role: 'operator',
    tag: 'alerts',
    summary: 'Alerts, newest first',
    query: pageQuery.extend({ open: z.enum(['true', 'false']).optional() }),
    answer: page(alertSchema),
  },
  acknowledge_alert: {
    method: 'POST',
    path: '/api/v1/alerts/{alert_id}/acknowledge',
    role: 'operator',
    tag: 'alerts',
    summary: 'Mark an alert as seen',
    params: z.object({ alert_id: idSchema }),
    answer: alertSchema,
  },
  system_health: {
    method: 'GET',
    path: '/health/detailed',
    role: 'viewer',
    tag: 'system',
    summary: 'Health of every component',
    answer: systemHealthSchema,
  },
  health: { method: 'GET', path: '/health', role: 'anyone', tag: 'system', summary: 'Health in one word', answer: healthAnswer },
  health_ready: {
    method: 'GET',
    path: '/health/ready',
    role: 'anyone',
    tag: 'system',
    summary: '200 when requests can be served, else 503',
    answer: healthAnswer,
  },
  health_live: { method: 'GET', path: '/health/live', role: 'anyone', tag: 'system', summary: '200 while the process works', answer: healthAnswer },
  metrics: {
    method: 'GET',
    path: '/metrics',
    role: 'viewer',
    tag: 'system',
    summary: 'Prometheus metrics',
    produces: 'text/plain; version=0.0.4; charset=utf-8',
  },
  openapi: {
    method: 'GET',
    path: '/api/v1/openapi.json',
    role: 'anyone',
    tag: 'system',
    summary: 'This API as OpenAPI 3.1',
    answer: z.record(z.string(), z.unknown()),
  },
  asyncapi: {
    method: 'GET',
    path: '/api/v1/asyncapi.json',
    role: 'anyone',
    tag: 'system',
    summary: 'The bus as AsyncAPI 3',
    answer: z.record(z.string(), z.unknown()),
  },

  // Access
  setup_state: {
    method: 'GET',
    path: '/api/v1/setup',
    role: 'anyone',
    tag: 'access',
    summary: 'Whether the first admin is still to be made',
    answer: z.object({ needed: z.boolean() }),
  },
  setup_admin: {
    method: 'POST',
    path: '/api/v1/setup',
    role: 'anyone',
    tag: 'access',
    summary: 'Make the first admin with the code of the one-time link',
    body: access.setupAdminSchema,
    answer: access.sessionSchema,
    rateLimitPerMinute: 10,
  },
  login: {
    method: 'POST',
    path: '/api/v1/session',
    role: 'anyone',
    tag: 'access',
    summary: 'Sign in; sets the session cookie',
    body: access.loginSchema,
    answer: access.sessionSchema,
    rateLimitPerMinute: 10,
  },
  session: {
    method: 'GET',
    path: '/api/v1/session',
    role: 'viewer',
    tag: 'access',
    summary: 'Who am I; prolongs the session',
    answer: access.sessionSchema,
  },
  logout: { method: 'DELETE', path: '/api/v1/session', role: 'viewer', tag: 'access', summary: 'Sign out here', status: 204 },
  logout_everywhere: {
    method: 'DELETE',
    path: '/api/v1/sessions',
    role: 'viewer',
    tag: 'access',
    summary: 'End all my sessions and bus logins',
    status: 204,
  },
  change_password: {
    method: 'PUT',
    path: '/api/v1/session/password',
    role: 'viewer',
    tag: 'access',
    summary: 'Change my password; ends my other sessions',
    body: z.strictObject({ current: z.string().max(256), password: access.passwordSchema }),
    status: 204,
    rateLimitPerMinute: 10,
  },
  bus_credentials: {
    method: 'POST',
    path: '/api/v1/bus/credentials',
    role: 'viewer',
    tag: 'access',
    summary: 'Short-lived login to the bus for this browser; asked again, the same login is prolonged',
    body: z.strictObject({ viewer: idSchema.optional().describe('of the credentials to prolong') }).optional(),
    answer: access.busCredentialsSchema,
  },
  list_users: {
    method: 'GET',
    path: '/api/v1/users',
    role: 'admin',
    tag: 'access',
    summary: 'Users',
    answer: z.object({ items: z.array(access.userSchema) }),
  },
  create_user: {
    method: 'POST',
    path: '/api/v1/users',
    role: 'admin',
    tag: 'access',
    summary: 'Add a user',
    body: access.createUserSchema,
    answer: access.userSchema,
    status: 201,
  },
  update_user: {
    method: 'PATCH',
    path: '/api/v1/users/{user_id}',
    role: 'admin',
    tag: 'access',
    summary: 'Change role, streams or password, or disable; applies to open sessions at once',
    params: userParams,
    body: access.updateUserSchema,
    answer: access.userSchema,
  },
  delete_user: {
    method: 'DELETE',
    path: '/api/v1/users/{user_id}',
    role: 'admin',
    tag: 'access',
    summary: 'Delete a user and all its sessions',
    params: userParams,
    status: 204,
  },
  list_tokens: {
    method: 'GET',
    path: '/api/v1/tokens',
    role: 'admin',
    tag: 'access',
    summary: 'API tokens (without their secrets)',
    answer: z.object({ items: z.array(access.tokenSchema) }),
  },
  create_token: {
    method: 'POST',
    path: '/api/v1/tokens',
    role: 'admin',
    tag: 'access',
    summary: 'Make an API token; its secret is shown once',
    body: access.createTokenSchema,
    answer: access.createdTokenSchema,
    status: 201,
  },
  delete_token: {
    method: 'DELETE',
    path: '/api/v1/tokens/{token_id}',
    role: 'admin',
    tag: 'access',
    summary: 'Revoke an API token',
    params: z.object({ token_id: idSchema }),
    status: 204,
  },
  list_bus_users: {
    method: 'GET',
    path: '/api/v1/bus/users',
    role: 'admin',
    tag: 'access',
    summary: 'Plain NATS clients',
    answer: z.object({ items: z.array(access.busUserSchema) }),
  },
  create_bus_user: {
    method: 'POST',
    path: '/api/v1/bus/users',
    role: 'admin',
    tag: 'access',
    summary: 'Admit a plain NATS client with a permission list',
    body: access.createBusUserSchema,
    answer: access.createdBusUserSchema,
    status: 201,
  },
  delete_bus_user: {
    method: 'DELETE',
    path: '/api/v1/bus/users/{name}',
    role: 'admin',
    tag: 'access',
    summary: 'Revoke a plain NATS client; its connections are cut',
    params: z.object({ name: access.usernameSchema }),
    status: 204,
  },
  list_audit: {
    method: 'GET',
    path: '/api/v1/audit',
    role: 'admin',
    tag: 'access',
    summary: 'Audit log, newest first',
    query: pageQuery,
    answer: page(access.auditEntrySchema),
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
export const routeNames = Object.keys(routes) as RouteName[];

type Part<N extends RouteName, K extends string> = (typeof routes)[N] extends { readonly [P in K]: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;
/** What an operation receives, already checked. */
export interface RouteInput<N extends RouteName> {
  params: Part<N, 'params'>;
  query: Part<N, 'query'>;
  body: Part<N, 'body'>;
}
/** What an operation returns; undefined where the answer has no JSON body. */
export type RouteAnswer<N extends RouteName> = Part<N, 'answer'>;

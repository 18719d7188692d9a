/** Who may do what: users, roles, grants per stream, tokens, sessions, bus users, audit. */
import { z } from 'zod';
import { idSchema, streamIdSchema, timestampSchema } from './ids.js';
import { integer } from './numbers.js';
import { roles } from './roles.js';

export { type Role, roleAllows, roles } from './roles.js';

export const usernameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, 'use 1 to 64 letters, digits, ".", "_", "@" or "-"');
export const passwordSchema = z.string().min(10, 'use at least 10 characters').max(256);

/** `streams: null` means all of them; a list binds the user to these. */
const streamScopeSchema = z.array(streamIdSchema).max(1000).nullable();

export const userSchema = z
  .object({
    user_id: idSchema,
    username: usernameSchema,
    role: z.enum(roles),
    streams: streamScopeSchema,
    disabled: z.boolean(),
    created_at: timestampSchema,
    last_login_at: timestampSchema.nullable(),
  })
  .meta({ id: 'User' });
export type User = z.infer<typeof userSchema>;

export const createUserSchema = z
  .strictObject({ username: usernameSchema, password: passwordSchema, role: z.enum(roles), streams: streamScopeSchema.optional() })
  .meta({ id: 'CreateUser' });
export type CreateUser = z.infer<typeof createUserSchema>;

export const updateUserSchema = z
  .strictObject({
    password: passwordSchema.optional(),
    role: z.enum(roles).optional(),
    streams: streamScopeSchema.optional(),
    disabled: z.boolean().optional(),
  })
  .meta({ id: 'UpdateUser' });
export type UpdateUser = z.infer<typeof updateUserSchema>;

export const loginSchema = z.strictObject({ username: z.string().max(64), password: z.string().max(256) }).meta({ id: 'Login' });

/** Who is asking, as answered by `GET /session` and held by each request. */
export const sessionSchema = z
  .object({
    user_id: idSchema.nullable().describe('null for an API token'),
    username: z.string(),
    role: z.enum(roles),
    streams: streamScopeSchema,
    expires_at: timestampSchema.nullable(),
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof sessionSchema>;

/** Redeems the one-time link of the first start. */
export const setupAdminSchema = z
  .strictObject({ code: z.string().max(128), username: usernameSchema, password: passwordSchema })
  .meta({ id: 'SetupAdmin' });

export const tokenSchema = z
  .object({
    token_id: idSchema,
    name: z.string(),
    role: z.enum(roles),
    streams: streamScopeSchema,
    created_at: timestampSchema,
    created_by: z.string(),
    expires_at: timestampSchema.nullable(),
    last_used_at: timestampSchema.nullable(),
  })
  .meta({ id: 'Token' });
export type Token = z.infer<typeof tokenSchema>;

export const createTokenSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(120),
    role: z.enum(roles),
    streams: streamScopeSchema.optional(),
    expires_in_s: integer
      .min(60)
      .max(366 * 86_400)
      .optional()
      .describe('default: does not expire'),
  })
  .meta({ id: 'CreateToken' });
export type CreateToken = z.infer<typeof createTokenSchema>;

/** The secret is shown once, here; only its hash is kept. */
export const createdTokenSchema = tokenSchema.extend({ secret: z.string() }).meta({ id: 'CreatedToken' });

/** NATS subject pattern: tokens, `*`, and `>` at the end. */
export const subjectPatternSchema = z
  .string()
  .max(512)
  .regex(/^(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$|^>$/, 'not a subject pattern');

/** A user/password client for a plain NATS program in any language. */
export const busUserSchema = z
  .object({
    name: usernameSchema,
    publish: z.array(subjectPatternSchema),
    subscribe: z.array(subjectPatternSchema),
    created_at: timestampSchema,
  })
  .meta({ id: 'BusUser' });
export type BusUser = z.infer<typeof busUserSchema>;

export const createBusUserSchema = z
  .strictObject({
    name: usernameSchema,
    password: z.string().min(10).max(256).optional().describe('default: made and shown once'),
    spoke_of: z.array(streamIdSchema).min(1).max(100).optional().describe('permissions of a plain spoke for these streams'),
    vod_worker: z.boolean().optional().describe('permissions of a worker on videos that runs elsewhere; its id must be this name'),
    video_publisher: z
      .boolean()
      .optional()
      .describe('permissions of a program that has videos processed: video.upload, video.process, questions about files, progress and results'),
    role: z.enum(['viewer', 'operator']).optional().describe('permissions of a plain client that watches or commands all streams'),
    replay: z
      .boolean()
      .optional()
      .describe('may also read the journals METRICS, LOGS and EVENTS with any JetStream client; only for programs you trust like an admin'),
    publish: z.array(subjectPatternSchema).max(200).optional(),
    subscribe: z.array(subjectPatternSchema).max(200).optional(),
  })
  .meta({ id: 'CreateBusUser' });
export type CreateBusUser = z.infer<typeof createBusUserSchema>;

/** What a bus user was admitted for; its subjects follow from it. */
export type BusUserGrants = Omit<CreateBusUser, 'name' | 'password'>;

export const createdBusUserSchema = busUserSchema.extend({ password: z.string() }).meta({ id: 'CreatedBusUser' });

/** Short-lived login of a browser to the bus, limited to what its user may see. */
export const busCredentialsSchema = z
  .object({
    url: z.string().describe('WebSocket path on the hub, `/nats`'),
    user: z.string(),
    password: z.string(),
    viewer: idSchema.describe('name of its reading place; goes into watch requests'),
    inbox_prefix: z.string(),
    roots: z.record(z.string(), z.string()),
    streams: streamScopeSchema,
    expires_at: timestampSchema.describe('ask again before; the same login is prolonged, so the connection stays'),
  })
  .meta({ id: 'BusCredentials' });
export type BusCredentials = z.infer<typeof busCredentialsSchema>;

export const auditEntrySchema = z
  .object({
    audit_id: integer,
    time: timestampSchema,
    actor: z.string(),
    action: z.string(),
    target: z.string().nullable(),
    outcome: z.enum(['allowed', 'refused', 'failed']),
    address: z.string().nullable(),
    detail: z.string().nullable(),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** The socket itself. */
import { z } from 'zod';
import { timestampSchema } from '../ids.js';
import { roles } from '../roles.js';
import { failedLoginLimit, type RpcMethod } from './method.js';
import { noParams } from './shapes.js';

export const permissionWords = ['view', 'control', 'admin'] as const;

export const sessionMethods = {
  ping: {
    summary: 'Is somebody there?',
    tag: 'session',
    role: 'anyone',
    params: noParams,
    result: z.literal('pong'),
    errors: [],
    limit: { perSecond: 10, burst: 20 },
    twin: null,
    beforeReady: true,
  },
  authenticate: {
    summary: 'Sign this connection in; holds until the token expires or is revoked, or the connection ends',
    tag: 'session',
    role: 'anyone',
    params: z.strictObject({ auth_token: z.string().min(1).max(8192).describe('API token, or a JWT') }),
    result: z.strictObject({
      authenticated: z.boolean(),
      role: z.enum(roles),
      permissions: z.array(z.enum(permissionWords)),
      expires_at: timestampSchema.describe('end of the year 9999 for a token that does not expire'),
      session_id: z.uuid().describe('of this connection'),
    }),
    errors: [],
    limit: failedLoginLimit,
    twin: null,
    beforeReady: true,
  },
} as const satisfies Record<string, RpcMethod>;

/** The one catalogue of JSON-RPC errors; the numbers of `errorTable` plus those of the protocol itself. */
import { z } from 'zod';
import { integer } from '../numbers.js';

/** Number to name, reason and the keys that `data` carries beside `reason`, `details` and `suggestion`. */
export const rpcErrors = {
  [-32700]: { name: 'Parse Error', when: 'the message is no JSON; `id` is null', keys: ['hint'] },
  [-32600]: { name: 'Invalid Request', when: 'JSON, but no JSON-RPC 2.0 request; a batch', keys: ['hint'] },
  [-32601]: { name: 'Method Not Found', when: 'there is no such method', keys: ['hint'] },
  [-32602]: { name: 'Invalid Params', when: 'a parameter is missing, unknown, or not what it must be', keys: ['param', 'rule', 'hint'] },
  [-32603]: { name: 'Internal Error', when: 'something failed inside Weir; its log knows the `request_id`', keys: ['request_id'] },
  [-32001]: { name: 'Auth Failed', when: 'no, a wrong, an expired or a revoked token', keys: [] },
  [-32002]: { name: 'Permission Denied', when: 'the role, or the list of streams, does not reach so far', keys: ['required_role', 'have_role'] },
  [-32010]: { name: 'Not Found', when: 'no such camera, stream, recording or file', keys: ['resource', 'id'] },
  [-32020]: { name: 'Invalid State', when: 'not possible now, for example already recording, or no room', keys: ['state', 'allowed_states'] },
  [-32030]: { name: 'Unsupported', when: 'switched off, or something this camera cannot do', keys: ['feature'] },
  [-32040]: { name: 'Rate Limited', when: 'too many calls', keys: ['retry_after_ms'] },
  [-32050]: { name: 'Dependency Failed', when: 'gateway, FFmpeg, spoke or bus failed, or the hub is starting', keys: ['dependency', 'detail'] },
} as const;

export type RpcErrorNumber = keyof typeof rpcErrors;
export const rpcErrorNumbers = Object.keys(rpcErrors).map(Number) as RpcErrorNumber[];

/** What every call may be answered with. */
export const commonErrors: readonly RpcErrorNumber[] = [-32600, -32601, -32602, -32603, -32001, -32002, -32040, -32050];

export const rpcErrorSchema = z
  .strictObject({
    code: integer,
    message: z.string().describe('name of the error'),
    data: z
      .looseObject({
        reason: z.string().describe('stable word for programs, for example `token_expired`'),
        details: z.string().describe('what happened, in one sentence'),
        suggestion: z.string().describe('what to do about it; empty when there is nothing to say'),
      })
      .describe('and the keys of its number'),
  })
  .meta({ id: 'RpcError' });
export type RpcError = z.infer<typeof rpcErrorSchema>;

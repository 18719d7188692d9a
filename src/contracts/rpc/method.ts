/** One method of the JSON-RPC door, and what all methods share. */
import type { z } from 'zod';
import type { Role } from '../roles.js';
import type { RouteName } from '../routes.js';

/** Calls per second that one client may make for long, and at once. */
export interface CallLimit {
  readonly perSecond: number;
  readonly burst: number;
}

export interface RpcMethod {
  readonly summary: string;
  readonly tag: string;
  /** Least role; `anyone` needs no login. */
  readonly role: Role | 'anyone';
  /** Named parameters; unknown ones are refused. */
  readonly params: z.ZodObject;
  readonly result: z.ZodType;
  /** Error numbers besides those that every call may be answered with. */
  readonly errors: readonly number[];
  /** Default: {@link defaultLimit}. */
  readonly limit?: CallLimit;
  /** The route whose operation does the work; null where the socket itself is what is asked about. */
  readonly twin: RouteName | null;
  /** Answered also while the hub is starting. */
  readonly beforeReady?: true;
}

export const defaultLimit: CallLimit = { perSecond: 100, burst: 200 };
/** Of attempts to sign in only those that fail count, per address: any number of clients may be behind one. */
export const failedLoginLimit: CallLimit = { perSecond: 1, burst: 3 };

/** The frame of a message: JSON-RPC 2.0, one request at a time, parameters by name. */

import { WeirError } from '../../contracts/index.js';
import type { RpcId } from '../../contracts/rpc/index.js';
import { ProtocolError } from './failures.js';

export interface Envelope {
  readonly method: string;
  readonly params: unknown;
  /** Undefined for a notification, which is never answered. */
  readonly id: RpcId | undefined;
}

/** A message that cannot be carried out; `id` is null where none could be read. */
export class EnvelopeError extends Error {
  constructor(
    readonly error: WeirError,
    readonly id: RpcId | null,
  ) {
    super(error.message);
  }
}

/** Reads the frame. Throws `EnvelopeError`. */
export function readEnvelope(text: string): Envelope {
  const message = parse(text);
  if (Array.isArray(message)) throw refusal('A batch is not taken', null, 'Send one request per message');
  if (typeof message !== 'object' || message === null) throw refusal('A request is an object', null);
  const { jsonrpc, method, params, id } = message as Record<string, unknown>;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') throw refusal('id must be a string or a number', null);
  if (jsonrpc !== '2.0') throw refusal('jsonrpc must be "2.0"', id ?? null);
  if (typeof method !== 'string' || method === '') throw refusal('method must be a name', id ?? null);
  return { method, params, id };
}

/** Parameters are an object, or left out. Throws `invalid_argument`. */
export function readParams(params: unknown): Record<string, unknown> {
  if (params === undefined) return {};
  if (typeof params === 'object' && params !== null && !Array.isArray(params)) return params as Record<string, unknown>;
  throw new WeirError('invalid_argument', 'params must be an object: parameters are named', { field: '(params)' });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const error = new ProtocolError(-32700, 'The message is no JSON', { hint: 'Send one JSON text in UTF-8 per message', cause });
    throw new EnvelopeError(error, null);
  }
}

function refusal(sentence: string, id: RpcId | null, hint = 'See the JSON-RPC 2.0 specification'): EnvelopeError {
  return new EnvelopeError(new ProtocolError(-32600, sentence, { hint }), id);
}

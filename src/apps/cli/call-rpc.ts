/** The work of `weir rpc`. */
import type { Command } from 'commander';
import { WeirError } from '../../contracts/errors.js';
import { type RpcMethod, rpcMethodNames, rpcMethods } from '../../contracts/rpc/index.js';
import { nearest } from '../config.js';
import { findHub } from './client.js';
import { openRpcClient } from './rpc-client.js';
import { formatTable, type Terminal } from './terminal.js';

/** Calls it and prints its result; with `follow`, then what the hub tells by itself until the connection ends. */
export async function callMethod(
  method: string,
  params: Record<string, unknown>,
  follow: boolean,
  command: Command,
  terminal: Terminal,
): Promise<void> {
  const hub = findHub(command, terminal);
  // Whoever signs in with a token of their own is not signed in with ours before.
  const client = await openRpcClient(method === 'authenticate' ? { ...hub, token: undefined } : hub);
  try {
    terminal.out(`${JSON.stringify(await client.call(method, params), null, 2)}\n`);
    if (!follow) return;
    for await (const notice of client.notices()) terminal.out(`${JSON.stringify(notice)}\n`);
  } catch (error) {
    throw withNearMethod(error, method);
  } finally {
    client.close();
  }
}

function withNearMethod(error: unknown, method: string): unknown {
  if (!(error instanceof WeirError) || method in rpcMethods) return error;
  const near = nearest(method, rpcMethodNames);
  return new WeirError(error.code, error.message, {
    hint: near === undefined ? '`weir rpc --list` shows all methods' : `Did you mean ${near}? \`weir rpc --list\` shows all`,
    cause: error,
  });
}

/** `key=value` words over the object given as JSON. A value that the method takes as JSON is JSON, else it is text. */
export function toParams(method: string, words: readonly string[], json: string | undefined): Record<string, unknown> {
  const params: Record<string, unknown> = json === undefined ? {} : parseObject(json);
  const shape: Readonly<Record<string, { safeParse(value: unknown): { success: boolean } }>> =
    (rpcMethods as Readonly<Record<string, RpcMethod>>)[method]?.params.shape ?? {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw new WeirError('invalid_argument', `${word} is no parameter`, { field: 'params', received: word, hint: 'Write key=value' });
    const [key, text] = [word.slice(0, at), word.slice(at + 1)];
    const value = parseJson(text);
    const takesText = shape[key]?.safeParse(text).success === true;
    params[key] = value === undefined || takesText ? text : value;
  }
  return params;
}

function parseObject(text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new WeirError('invalid_argument', 'parameters must be one JSON object', { field: 'params', received: text.slice(0, 120) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Every method of the contract. */
export function describeMethods() {
  return rpcMethodNames.map((name) => {
    const { role, summary, params } = rpcMethods[name] as RpcMethod;
    return { method: name, role, params: Object.keys(params.shape), summary };
  });
}

/** The same as a table. */
export function listMethods(): string {
  return formatTable(
    ['METHOD', 'ROLE', 'PARAMETERS', 'WHAT IT DOES'],
    describeMethods().map(({ method, role, params, summary }) => [method, role, params.join(' '), summary]),
  );
}

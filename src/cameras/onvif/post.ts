/** One SOAP message over HTTP to one server: bounded in time and size, and never led elsewhere. */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { WeirError } from '../../contracts/index.js';

const maxAnswerBytes = 512 * 1024;

export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface PostAnswer {
  readonly status: number;
  readonly challenges: string[];
  /** What the server takes for the time, milliseconds since 1970; undefined when it does not say. */
  readonly dateMs: number | undefined;
  readonly body: string;
}

/** Throws `unavailable`, `deadline_exceeded`, `payload_too_large` or `cancelled`. Redirects are an answer like any other. */
export async function post(url: URL, body: string, options: PostOptions): Promise<PostAnswer> {
  const late = AbortSignal.timeout(options.timeoutMs);
  try {
    return await exchange(url, body, options.headers, AbortSignal.any([options.signal, late]));
  } catch (error) {
    if (error instanceof WeirError) throw error;
    if (options.signal.aborted) throw new WeirError('cancelled', 'The operation was cancelled', { cause: error });
    if (late.aborted) throw new WeirError('deadline_exceeded', `${url.host} did not answer within ${options.timeoutMs / 1000} s`, { cause: error });
    throw new WeirError('unavailable', `${url.host} cannot be reached (${codeOf(error)})`, { cause: error });
  }
}

async function exchange(url: URL, body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<PostAnswer> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const bytes = Buffer.from(body);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    // Cameras sign their own certificates. What is sent proves the password without showing it.
    const tls = url.protocol === 'https:' ? { rejectUnauthorized: false } : {};
    const options = {
      method: 'POST',
      headers: { ...headers, 'Content-Length': bytes.length, Connection: 'close' },
      agent: false as const,
      signal,
      ...tls,
    };
    request(url, options, resolve).on('error', reject).end(bytes);
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    size += (chunk as Buffer).length;
    if (size > maxAnswerBytes) {
      answer.destroy();
      throw new WeirError('payload_too_large', `${url.host} answered with more than ${maxAnswerBytes} bytes`);
    }
    chunks.push(chunk as Buffer);
  }
  const challenge = answer.headersDistinct['www-authenticate'] ?? [];
  const dateMs = Date.parse(answer.headers.date ?? '');
  return {
    status: answer.statusCode ?? 0,
    challenges: challenge,
    dateMs: Number.isNaN(dateMs) ? undefined : dateMs,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : 'no connection';
}

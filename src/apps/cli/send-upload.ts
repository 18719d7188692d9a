/** Sending a file in pieces that are checked, and going on where it stopped when the hub was away: tus 1.0. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { problemSchema, tusPath, type VideoDraft, WeirError } from '../../contracts/index.js';
import type { HubPlace } from './client.js';

/** Each has a checksum of its own, so that a damaged one is sent again, not the whole. */
const pieceBytes = 16 * 1024 ** 2;
/** Pauses before going on; a hub that is away for longer than all of them is given up. */
const pausesMs = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 30_000, 60_000, 60_000];
const version = { 'tus-resumable': '1.0.0' };

export interface SendOptions {
  readonly draft: VideoDraft;
  /** Address of an upload that was begun before. */
  readonly resume?: string | undefined;
  readonly onProgress?: (sent: number, size: number) => void;
  /** Told when it waits before it goes on, and why. */
  readonly onWaiting?: (pauseMs: number, why: string) => void;
}

/** Sends a file; resolves with the id of the upload once the hub has all of it. A hub that goes away meanwhile is waited for, for some minutes. */
export async function sendUpload(hub: HubPlace, path: string, options: SendOptions): Promise<string> {
  try {
    return await send(hub, path, options);
  } catch (error) {
    throw error instanceof PassingFailure ? error.cause : error;
  }
}

async function send(hub: HubPlace, path: string, options: SendOptions): Promise<string> {
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw new WeirError('invalid_argument', `${path} cannot be read: ${cause.code ?? cause.message}`, { field: 'file', received: path, cause });
  });
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new WeirError('invalid_argument', `${path} is no file`, { field: 'file', received: path });
    const url = options.resume ?? (await create(hub, basename(path), about.size, options.draft));
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(1, about.size)));
    let offset = options.resume === undefined ? 0 : await offsetOf(hub, url);
    for (let failures = 0; offset < about.size; ) {
      options.onProgress?.(offset, about.size);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      if (bytesRead === 0) throw new WeirError('failed_precondition', `${path} became shorter while it was sent`);
      try {
        offset = await sendPiece(hub, url, buffer.subarray(0, bytesRead), offset);
        failures = 0;
      } catch (error) {
        if (!(error instanceof PassingFailure)) throw error;
        const pause = pausesMs[failures];
        if (pause === undefined) throw error.cause;
        failures += 1;
        options.onWaiting?.(pause, error.message);
        await delay(pause);
        offset = await offsetOf(hub, url).catch((again: unknown) => {
          if (again instanceof PassingFailure) return offset;
          throw again;
        });
      }
    }
    options.onProgress?.(about.size, about.size);
    return url.split('/').at(-1) ?? '';
  } finally {
    await file.close();
  }
}

async function create(hub: HubPlace, name: string, size: number, draft: VideoDraft): Promise<string> {
  const metadata = { filename: name, ...(Object.keys(draft).length === 0 ? {} : { draft: JSON.stringify(draft) }) };
  const answer = await ask(hub, `${hub.url}${tusPath}`, 'POST', {
    'upload-length': String(size),
    'upload-metadata': Object.entries(metadata)
      .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
      .join(','),
  });
  const location = answer.headers.get('location');
  if (location === null) throw new WeirError('unavailable', `${hub.url} made an upload without saying where`);
  return new URL(location, `${hub.url}/`).href;
}

async function sendPiece(hub: HubPlace, url: string, piece: Uint8Array<ArrayBuffer>, offset: number): Promise<number> {
  const checksum = createHash('sha256').update(piece).digest('base64');
  const headers = {
    'content-type': 'application/offset+octet-stream',
    'upload-offset': String(offset),
    'upload-checksum': `sha256 ${checksum}`,
  };
  return offsetIn(await ask(hub, url, 'PATCH', headers, piece), url);
}

async function offsetOf(hub: HubPlace, url: string): Promise<number> {
  return offsetIn(await ask(hub, url, 'HEAD', {}), url);
}

function offsetIn(answer: Response, url: string): number {
  const offset = Number(answer.headers.get('upload-offset') ?? Number.NaN);
  if (Number.isSafeInteger(offset)) return offset;
  throw new WeirError('unavailable', `${new URL(url).origin} does not say how far the upload is`);
}

async function ask(
  hub: HubPlace,
  url: string,
  method: 'POST' | 'PATCH' | 'HEAD',
  headers: Record<string, string>,
  body?: Uint8Array<ArrayBuffer>,
): Promise<Response> {
  const login = hub.token === undefined ? {} : { authorization: `Bearer ${hub.token}` };
  let answer: Response;
  try {
    answer = await fetch(url, { method, headers: { ...version, ...login, ...headers }, ...(body === undefined ? {} : { body }), redirect: 'error' });
  } catch (cause) {
    throw new PassingFailure(
      new WeirError('unavailable', `No hub answers at ${hub.url}`, { hint: 'Start one with `weir up`, or name it with WEIR_URL', cause }),
    );
  }
  if (answer.ok) {
    await answer.body?.cancel();
    return answer;
  }
  const { status } = answer;
  const parsed = problemSchema.safeParse(await answer.json().catch(() => undefined));
  const error = parsed.success
    ? WeirError.fromProblem(parsed.data)
    : new WeirError('failed_precondition', `${hub.url} answered ${status} to the upload`, status === 410 ? { hint: 'It is over: begin anew' } : {});
  throw passing.has(status) || status >= 500 ? new PassingFailure(error) : error;
}

/** Too slow, another place, still held by another connection, a damaged piece; with 5xx: a hub that restarts, a disk that is full for now. */
const passing: ReadonlySet<number> = new Set([408, 409, 423, 460]);

/** Worth another try. */
class PassingFailure extends Error {
  override readonly cause: WeirError;

  constructor(cause: WeirError) {
    super(cause.message, { cause });
    this.cause = cause;
  }
}

/** Uploads behind a real HTTP server, with a real store; only the check of the file and the queue are stand-ins. Tests and benches only. */
import { join } from 'node:path';
import {
  type CallContext,
  configSchema,
  type Job,
  type RouteName,
  type SourceFacts,
  type VideoProcessRequest,
  WeirError,
} from '../contracts/index.js';
import type { Operations } from '../http/index.js';
import type { HttpServerOptions } from '../http/server.js';
import { createFixture, type Fixture } from '../http/testing/fixture.js';
import { openStore, type Store } from '../store/index.js';
import { createVideoView } from '../vod/library/index.js';
import { startUploads, type Uploads, type UploadsOptions } from '../vod/uploads/index.js';

export interface UploadBed extends AsyncDisposable {
  readonly base: string;
  readonly port: number;
  readonly store: Store;
  readonly uploads: Uploads;
  readonly fixture: Fixture;
  readonly uploadFolder: string;
  readonly queued: VideoProcessRequest[];
  readonly complaints: string[];
  /** Bytes that the disk is said to have left; undefined: what it really has. */
  free: { bytes: number | undefined };
  /** Paths that were checked, in order. */
  readonly inspected: string[];
  call(
    method: string,
    path: string,
    init?: { headers?: Record<string, string>; body?: Uint8Array | string | FormData; json?: unknown; token?: string },
  ): Promise<Response>;
}

export interface UploadBedOptions {
  /** Default: the system chooses. */
  readonly port?: number;
  readonly vod?: object;
  readonly timing?: UploadsOptions['timing'];
  readonly inspect?: UploadsOptions['inspect'];
  readonly fetch?: UploadsOptions['fetch'];
  readonly http?: Partial<HttpServerOptions>;
  readonly checkDraft?: UploadsOptions['checkDraft'];
  readonly enqueue?: UploadsOptions['enqueue'];
}

export const someFacts: SourceFacts = {
  container: 'mov',
  duration_s: 2,
  size_bytes: 4,
  bitrate_kbps: 1,
  start_s: 0,
  video: null,
  audio: [],
  subtitles: [],
  warnings: [],
};

/** Starts all of it on what lies in `folder`. */
export async function startUploadBed(folder: string, options: UploadBedOptions = {}): Promise<UploadBed> {
  const store = await openStore({ path: join(folder, 'weir.db') });
  const settings = configSchema.parse({ vod: { min_free_bytes: 0, ...options.vod } }).vod;
  const queued: VideoProcessRequest[] = [];
  const complaints: string[] = [];
  const inspected: string[] = [];
  const free: { bytes: number | undefined } = { bytes: undefined };
  const complain = (fields: object, message: string) => void complaints.push(`${message}: ${String((fields as { err?: unknown }).err ?? '')}`);
  const uploadFolder = join(folder, 'uploads');
  const uploads = await startUploads({
    store,
    settings,
    folder: uploadFolder,
    log: { debug: () => undefined, info: () => undefined, warn: complain, error: complain },
    view: createVideoView({}),
    inspect: async (path, signal) => {
      inspected.push(path);
      return options.inspect === undefined ? someFacts : options.inspect(path, signal);
    },
    enqueue:
      options.enqueue ??
      (async (request, { tx }) => {
        queued.push(request);
        await tx.videos.update(request.video_id, { state: 'queued', job_id: `job-${queued.length}` });
        return { job_id: `job-${queued.length}` } as Job;
      }),
    fetch:
      options.fetch ??
      (() => {
        throw new WeirError('permission_denied', 'nothing is fetched here');
      }),
    ...(options.checkDraft === undefined ? {} : { checkDraft: options.checkDraft }),
    freeBytes: async () => free.bytes ?? 1e15,
    timing: { sweepMs: 100, quietMs: 500, handOverMs: 2000, noteMs: 50, fetchRetryMs: 10, ...options.timing },
  });
  const fixture = createFixture(atTheDoor(uploads), { tus: uploads.tus, ...options.http });
  const port = await fixture.server.listen('127.0.0.1', options.port ?? 0);
  const base = `http://127.0.0.1:${port}`;
  return {
    base,
    port,
    store,
    uploads,
    fixture,
    uploadFolder,
    queued,
    complaints,
    free,
    inspected,
    call: (method, path, { headers = {}, body, json, token = 'operator' } = {}) =>
      fetch(base + path, {
        method,
        headers: {
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(body === undefined ? {} : { body, duplex: 'half' }),
      } as RequestInit),
    [Symbol.asyncDispose]: async () => {
      await fixture.server.close(200);
      await uploads.stop();
      await store.stop();
    },
  };
}

function atTheDoor(uploads: Uploads): Partial<Operations> {
  type Loose = (session: unknown, input: unknown, context: CallContext) => unknown;
  const entries = Object.entries(uploads.operations) as [RouteName, Loose][];
  return Object.fromEntries(
    entries.map(([name, operation]) => [
      name,
      (input: unknown, context: { principal?: { session: unknown } } & CallContext) => operation(context.principal?.session, input, context),
    ]),
  ) as Partial<Operations>;
}

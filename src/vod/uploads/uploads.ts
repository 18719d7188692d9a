/** Starts uploads: puts the parts together, takes over what a former hub left, sweeps. */
import type { ComponentHealth, TusDoor } from '../../contracts/index.js';
import { UploadBook } from './book.js';
import { Completion } from './complete.js';
import { createContentHasher } from './content-hash.js';
import { Fetching } from './fetch.js';
import { takeRecording } from './in-place.js';
import { LiveUploads } from './live.js';
import { defaultTiming, type UploadsOptions } from './needs.js';
import { createOperations } from './operations.js';
import { Room } from './room.js';
import type { TusDoorParts } from './tus-door.js';
import type { Uploads } from './types.js';
import { sweep, takeOver } from './upkeep.js';
import { UploadFiles } from './upload-files.js';

/** Makes the folder, takes over unfinished uploads, and is ready. Fails when the folder cannot be written or the database does not answer. */
export async function startUploads(options: UploadsOptions): Promise<Uploads> {
  const timing = { ...defaultTiming, ...options.timing };
  const { settings } = options;
  const stop = new AbortController();
  const hasher = createContentHasher();
  const files = new UploadFiles(options.folder);
  const live = new LiveUploads(hasher, timing);
  const room = new Room({ folder: files.folder, settings, freeBytes: options.freeBytes });
  const book = new UploadBook({ options, files, live, room });
  const completion = new Completion({ options, files, live, book, stopping: stop.signal });
  const parts = { options, settings, timing, files, live, room, book, completion, stopping: stop.signal, publicUrl: options.publicUrl };
  const fetching = new Fetching(parts);
  const all = { ...parts, fetching };
  await files.prepare();
  await takeOver(all);

  let lowSince: string | undefined;
  const look = async () => {
    lowSince = (await room.free()) < settings.min_free_bytes ? (lowSince ?? new Date().toISOString()) : undefined;
    await sweep(all);
  };
  const sweeping = startSweeping(look, timing.sweepMs, (error) => options.log.warn({ err: error }, 'uploads could not be looked after'));

  const uploads: Uploads = {
    operations: createOperations(all),
    tus: lazyTusDoor(parts),
    addRecording: async (file, session) => options.view(await takeRecording(all, session, file)),
    counters: () => ({ active: live.active, received_bytes: live.receivedBytes, done: completion.done, failed: book.failed }),
    health: () => health(lowSince),
    async stop() {
      await sweeping.stop();
      stop.abort();
      live.releaseAll();
      await fetching.settle();
      await completion.settle();
      await hasher.stop();
    },
    [Symbol.asyncDispose]: () => uploads.stop(),
  };
  return uploads;
}

/** The library of the protocol is no small part of the hub's memory: loaded by the first who sends something. */
function lazyTusDoor(parts: TusDoorParts): TusDoor {
  let door: Promise<TusDoor> | undefined;
  const open = () => {
    door ??= import('./tus-door.js').then(({ createTusDoor }) => createTusDoor(parts));
    return door;
  };
  return {
    handle: async (request, session) => (await open()).handle(request, session),
    describe: async () => (await open()).describe(),
  };
}

function health(lowSince: string | undefined): ComponentHealth {
  if (lowSince === undefined) return { name: 'uploads', status: 'healthy' };
  return { name: 'uploads', status: 'degraded', message: 'The disk has too little room for uploads', since: lowSince };
}

/** One round at a time; a round that is under way is waited for at the end. */
function startSweeping(look: () => Promise<void>, everyMs: number, onError: (error: unknown) => void): { stop(): Promise<void> } {
  let round: Promise<void> | undefined;
  const timer = setInterval(() => {
    round ??= look()
      .catch(onError)
      .finally(() => {
        round = undefined;
      });
  }, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await round;
    },
  };
}

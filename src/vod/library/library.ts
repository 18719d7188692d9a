/** The library of videos: starts, looks after disk and trash, stops. */
import { mkdir } from 'node:fs/promises';
import type { Video } from '../../contracts/index.js';
import type { VideoRecord } from '../../store/index.js';
import { Links } from './links.js';
import { defaultTiming, type LibraryOptions } from './needs.js';
import { createOperations, type LibraryOperations } from './operations.js';
import { sweepLibrary } from './upkeep.js';

export interface Library {
  /** One operation per route. */
  readonly operations: LibraryOperations;
  /** Ends the upkeep; a round under way is waited for. */
  stop(): Promise<void>;
}

/** Makes the folder. Fails when it cannot be written. */
export async function startLibrary(options: LibraryOptions, view: (record: VideoRecord) => Video): Promise<Library> {
  const timing = { ...defaultTiming, ...options.timing };
  await mkdir(options.folder, { recursive: true, mode: 0o750 });
  let round: Promise<void> | undefined;
  const look = () => {
    round ??= sweepLibrary(options, timing)
      .catch((error: unknown) => options.log.warn({ err: error }, 'the library could not be looked after'))
      .finally(() => {
        round = undefined;
      });
  };
  const timer = setInterval(look, timing.sweepMs);
  timer.unref();
  return {
    operations: createOperations({ options, links: new Links(options), view }),
    async stop() {
      clearInterval(timer);
      await round;
    },
  };
}

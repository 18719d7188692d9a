/** The next keyframe of a source, heard as it is published: no poll stands between it and whoever waits. */
import type { Bus, BusSubscription, JournalMessage } from '../../bus/index.js';
import { mediaHeaders } from '../../contracts/index.js';

interface SourceKey {
  readonly init: Uint8Array;
  readonly data: Uint8Array;
  readonly atMs: number;
}

interface AwaitedKey {
  /** Rejects with the reason of `signal` when that aborts first. */
  readonly key: Promise<SourceKey>;
  /** An init segment that was published before; keys of its epoch can be used. */
  knows(init: JournalMessage): void;
  stop(): void;
}

/** Listens at once. Keys of the no-signal picture are passed over. */
export function nextSourceKey(bus: Bus, streamId: string, signal: AbortSignal): AwaitedKey {
  const inits = new Map<string, Uint8Array>();
  const ends: BusSubscription[] = [];
  let onAbort: () => void = () => undefined;
  const stop = () => {
    signal.removeEventListener('abort', onAbort);
    for (const end of ends.splice(0)) end.stop();
  };
  const note = (epoch: string | undefined, picture: string | undefined, data: Uint8Array) => {
    if (epoch === undefined) return;
    if (picture === 'no-signal') inits.delete(epoch);
    else inits.set(epoch, data);
  };
  const key = new Promise<SourceKey>((resolve, reject) => {
    onAbort = () => {
      stop();
      reject(signal.reason);
    };
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    const on = { stream_id: streamId };
    ends.push(
      bus.subscribe('stream_media_init', on, (_none, meta) =>
        note(meta.header(mediaHeaders.epoch), meta.header(mediaHeaders.picture), meta.data.slice()),
      ),
      bus.subscribe('stream_media_key', on, (_none, meta) => {
        const init = inits.get(meta.header(mediaHeaders.epoch) ?? '');
        if (init === undefined) return;
        resolve({ init, data: meta.data.slice(), atMs: Number(meta.header(mediaHeaders.published) ?? Date.now()) });
        stop();
      }),
    );
  });
  // Who finds a key elsewhere never looks at this promise.
  key.catch(() => undefined);
  return { key, stop, knows: (init) => note(init.header(mediaHeaders.epoch), init.header(mediaHeaders.picture), init.data) };
}

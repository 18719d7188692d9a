/** Waits for the picture of a source, or for the reason why there is none. */
import { type StreamStatus, WeirError } from '../../contracts/index.js';

export interface FirstPictureNouns {
  /** Null before the first report. */
  status(streamId: string): StreamStatus | null;
  /** Calls back when the state of a stream may have changed. Returns the way to unsubscribe. */
  onChange(listener: (streamId: string) => void): () => void;
}

/** A first attempt may fail and the next, a moment later, be good; an error that lasts so long is the answer. */
const errorLastsMs = 1500;

/**
 * Resolves when the source itself is shown. Throws `unavailable` with the stream's own error when it is in error and stays so, and the
 * reason of `signal` when that aborts first.
 */
export function untilShown(nouns: FirstPictureNouns, streamId: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let lasting: NodeJS.Timeout | undefined;
    const end = (settle: () => void) => {
      clearTimeout(lasting);
      unsubscribe();
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => end(() => reject(signal.reason));
    const look = () => {
      const status = nouns.status(streamId);
      if (isShown(status)) return end(resolve);
      if (status?.state !== 'error') {
        clearTimeout(lasting);
        lasting = undefined;
      } else {
        lasting ??= setTimeout(() => end(() => reject(noPicture(streamId, nouns.status(streamId)))), errorLastsMs);
      }
    };
    const unsubscribe = nouns.onChange((changed) => {
      if (changed === streamId) look();
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else look();
  });
}

/** As {@link untilShown}, but throws `unavailable` as well when there is no picture after `waitMs`. */
export async function shownWithin(nouns: FirstPictureNouns, streamId: string, waitMs: number, signal: AbortSignal): Promise<void> {
  const late = AbortSignal.timeout(waitMs);
  try {
    await untilShown(nouns, streamId, AbortSignal.any([signal, late]));
  } catch (error) {
    if (!late.aborted || signal.aborted || error instanceof WeirError) throw error;
    const seconds = Math.round(waitMs / 100) / 10;
    throw noPicture(streamId, { error: `no picture has come within ${seconds} s`, ...nouns.status(streamId) });
  }
}

function isShown(status: StreamStatus | null): boolean {
  return status?.state === 'running' && status.no_signal !== true;
}

function noPicture(streamId: string, status: Pick<StreamStatus, 'error' | 'reason'> | null): WeirError {
  const detail = status?.error ?? 'its stream cannot run';
  return new WeirError('unavailable', `${streamId} has no picture: ${detail}`, {
    hint: 'It is tried again by itself; what the stream tells of itself says how it goes',
    facts: { reason: status?.reason ?? 'no_picture', dependency: 'source', detail },
  });
}

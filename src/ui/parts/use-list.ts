/** A list read over REST: loading, failed or there, and read again on demand. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { toApiError } from '../core/api.js';
import type { Loaded } from '../core/data.js';

/** Reads with `load` at once and whenever `key` changes; an older answer never replaces a newer one. */
export function useList<T>(load: (signal: AbortSignal) => Promise<T>, key: unknown = ''): { list: Loaded<T>; reload: () => void } {
  const [list, setList] = useState<Loaded<T>>({ kind: 'loading' });
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((count) => count + 1), []);
  useEffect(() => {
    const controller = new AbortController();
    load(controller.signal).then(
      (value) => !controller.signal.aborted && setList({ kind: 'ready', value }),
      (thrown: unknown) => !controller.signal.aborted && setList({ kind: 'failed', error: toApiError(thrown) }),
    );
    return () => controller.abort();
  }, [key, turn]);
  return { list, reload };
}

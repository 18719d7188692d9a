/** State of one thing that a click does. */
import { useCallback, useState } from 'preact/hooks';
import { type ApiError, toApiError } from '../core/api.js';
import { session } from '../core/session.js';

export interface Action {
  busy: boolean;
  error: ApiError | undefined;
  /** Runs once at a time; resolves to true when it went well. The error is kept for display. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
  setError: (error: ApiError | undefined) => void;
}

/** Busy and error state around a request made by a click. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const run = useCallback(async (work: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (thrown) {
      const error = toApiError(thrown);
      // The dialog that asks to sign in again says it already.
      if (error.code !== 'unauthenticated' || session.peek() === undefined) setError(error);
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, error, run, setError };
}

/** What the hub found wrong with a field; `config.device` is also found as `device`. */
export function fieldError(error: ApiError | undefined, field: string): string | undefined {
  return error?.errors.find((one) => one.field === field || one.field.endsWith(`.${field}`))?.message;
}

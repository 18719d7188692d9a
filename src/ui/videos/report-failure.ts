/** For clicks without a place of their own to say what went wrong. */
import { toApiError } from '../core/api.js';
import { showToast } from '../core/toasts.js';

/** Runs it; a refusal is shown as a notice. Resolves to the answer, or undefined when it was refused. */
export async function reportingFailure<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    const error = toApiError(thrown);
    showToast({ tone: 'bad', title: error.message, text: error.hint });
    return undefined;
  }
}

/** One clock for all "12 s ago" of the app. */
import { signal } from '@preact/signals';

/** Now, to the second. */
export const now = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, 1000);

/** How many alerts are open and not yet seen by anyone; apart from the data code, so that the frame can be drawn before that is loaded. */
import { signal } from '@preact/signals';

export const alertCount = signal(0);

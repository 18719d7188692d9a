/** State of the connection to the bus, apart from the code that makes it, so that the shell can show it before that is loaded. */
import { signal } from '@preact/signals';

export type LinkState = { kind: 'opening' } | { kind: 'up' } | { kind: 'lost'; since: number };

export const linkState = signal<LinkState>({ kind: 'opening' });

/** Who is signed in. While a session has ended, its page stays as it was and a dialog asks to sign in again. */
import { computed, signal } from '@preact/signals';
import type { Role, Session } from '../../contracts/access.js';
import { roleAllows } from '../../contracts/roles.js';
import { ApiError, call, onSessionEnded } from './api.js';

export type SessionState =
  | { kind: 'unknown' }
  | { kind: 'unreachable' }
  | { kind: 'none'; setupNeeded: boolean }
  | { kind: 'open'; session: Session }
  | { kind: 'ended'; session: Session };

export const sessionState = signal<SessionState>({ kind: 'unknown' });

/** The session whose pages are shown, also while it must be renewed. */
export const session = computed(() => {
  const state = sessionState.value;
  return state.kind === 'open' || state.kind === 'ended' ? state.session : undefined;
});

/** True when the signed-in user holds at least this role. */
export function may(role: Role): boolean {
  const held = session.value;
  return held !== undefined && roleAllows(held.role, role);
}

const renewEveryMs = 5 * 60_000;

/** Asks the hub who we are, then keeps the session alive while the page is seen. */
export async function startSession(): Promise<void> {
  onSessionEnded(() => {
    const state = sessionState.peek();
    if (state.kind === 'open') sessionState.value = { kind: 'ended', session: state.session };
  });
  setInterval(() => {
    if (document.visibilityState === 'visible' && sessionState.peek().kind === 'open') void refreshSession();
  }, renewEveryMs);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && sessionState.peek().kind === 'open') void refreshSession();
  });
  await refreshSession();
}

/** Reads the session anew. A hub that cannot be reached ends nothing. */
export async function refreshSession(): Promise<void> {
  try {
    sessionState.value = { kind: 'open', session: await call('session') };
  } catch (thrown) {
    const before = sessionState.peek();
    if (before.kind === 'open' || before.kind === 'ended') return;
    const refused = thrown instanceof ApiError && thrown.code !== 'unavailable';
    sessionState.value = refused ? { kind: 'none', setupNeeded: await isSetupNeeded() } : { kind: 'unreachable' };
  }
}

async function isSetupNeeded(): Promise<boolean> {
  return call('setup_state').then(
    (answer) => answer.needed,
    () => false,
  );
}

/** Signs in; throws ApiError with the reason. */
export async function signIn(username: string, password: string): Promise<void> {
  const before = session.peek();
  const opened = await call('login', { body: { username, password } });
  // Another user's pages may hold what this one must not see.
  if (before !== undefined && before.user_id !== opened.user_id) location.assign('/');
  sessionState.value = { kind: 'open', session: opened };
}

/** Makes the first admin with the one-time code and signs in as it. */
export async function makeFirstAdmin(code: string, username: string, password: string): Promise<void> {
  const opened = await call('setup_admin', { body: { code, username, password } });
  sessionState.value = { kind: 'open', session: opened };
}

/** Signs out here, or everywhere; loads the app anew so that nothing of the session stays in memory. */
export async function signOut(everywhere = false): Promise<void> {
  await call(everywhere ? 'logout_everywhere' : 'logout');
  location.assign('/');
}

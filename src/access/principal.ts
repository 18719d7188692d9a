/** Who is asking. */
import type { Session } from '../contracts/index.js';

/** Who is asking: made by `bySession`, `byToken` and the ways to sign in, and only good with the Access that made it. */
export interface Principal {
  readonly kind: 'session' | 'token';
  /** Session or token id, never the secret. */
  readonly id: string;
  readonly session: Session;
  /** The user whose rights stand behind a stream token: it dies with them. */
  readonly madeBy?: string;
  /** A stream token that may publish: its maker must still be an operator. */
  readonly publishes?: boolean;
}

/** The request behind a call, as far as access control cares. */
export interface Caller {
  readonly principal: Principal | undefined;
  readonly address: string;
  /** A request header in lower case; the user agent is kept with a session. */
  header?(name: string): string | undefined;
}

export interface SignedIn {
  /** Goes into the cookie and nowhere else. */
  readonly secret: string;
  /** Life of the cookie; the session may end before, when it is not used. */
  readonly maxAgeS: number;
  readonly principal: Principal;
}

// Beside the principal and not inside, so that no answer or log line can carry it.
const secrets = new WeakMap<Principal, string>();

/** Remembers by which secret a principal proved itself. */
export function rememberSecret(principal: Principal, secret: string): Principal {
  secrets.set(principal, secret);
  return principal;
}

/** Undefined for a principal that was not made here. */
export function secretOf(principal: Principal): string | undefined {
  return secrets.get(principal);
}

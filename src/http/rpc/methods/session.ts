/** ping, authenticate. */
import { WeirError } from '../../../contracts/index.js';
import { failedLoginLimit } from '../../../contracts/rpc/index.js';
import type { Authentication } from '../../operations.js';
import { limitKey } from '../../rate-limit.js';
import type { RpcWorks } from '../call.js';
import type { CallLimits } from '../limits.js';
import { createLoginChecks } from '../login-checks.js';
import { tooOften } from '../refusals.js';
import { permissionsOf } from './words.js';

/** A date that clients can read, for tokens that do not expire. */
const never = '9999-12-31T23:59:59.999Z';

export interface SessionParts {
  readonly authentication: Authentication;
  readonly limits: CallLimits;
  /** Somebody showed a token that did not hold. */
  readonly onBadToken: (address: string, reason: string) => void;
}

export function sessionWorks({ authentication, limits, onBadToken }: SessionParts): Pick<RpcWorks, 'ping' | 'authenticate'> {
  const checks = createLoginChecks();
  return {
    ping: () => 'pong',
    async authenticate({ auth_token }, { connection }) {
      const address = limitKey(connection.address);
      const principal = await checks.run(address, () => authentication.byToken(auth_token));
      if (principal === undefined) {
        // Only failures count, and a token that holds is let in whatever others behind the same address have tried.
        const waitMs = limits.take(`failed login ${address}`, failedLoginLimit);
        if (waitMs > 0) throw tooOften(waitMs);
        const isOver = looksExpired(auth_token) || (await authentication.hasExpired?.(auth_token)) === true;
        const reason = isOver ? 'token_expired' : 'token_invalid';
        onBadToken(connection.address, reason);
        throw new WeirError('unauthenticated', isOver ? 'The token has expired' : 'The token is not valid, or no longer', {
          hint: 'Make one with `weir token create`, or ask for a new one',
          facts: { reason },
        });
      }
      connection.signIn(principal);
      const { role, expires_at } = principal.session;
      return { authenticated: true, role, permissions: permissionsOf(role), expires_at: expires_at ?? never, session_id: connection.id };
    },
  };
}

/** Whether a JWT that was refused says of itself that it is over; nothing is believed of it but that. */
function looksExpired(token: string): boolean {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp?: unknown } | null;
    return typeof claims?.exp === 'number' && claims.exp * 1000 <= Date.now();
  } catch {
    return false;
  }
}

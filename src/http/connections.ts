/** Connections that outlive their request (media, events, bus sockets): counted, and cut when the login they stand on is revoked. */
import type { Principal } from './operations.js';

/** Which logins are meant: one session or token, or all of a user. */
export interface LoginMatch {
  readonly principalId?: string;
  readonly userId?: string;
}

export interface OpenConnections {
  /** Registers a connection; call what it returns when the connection has ended. */
  add(principal: Principal, cut: (reason: string) => void, options?: ConnectionOptions): () => void;
  /** Cuts all connections of these logins; returns how many. */
  cut(match: LoginMatch, reason: string): number;
  /**
   * Cuts those whose login does not hold any more, asking once for each login. One that cannot be asked about stays; rejects then, when
   * all the others were.
   */
  cutEnded(holds: (principal: Principal) => Promise<boolean>): Promise<number>;
  /** Cuts everything, for the stop. */
  cutAll(reason: string): number;
  /** Connections of one user (or of one token). */
  countOf(principal: Principal): number;
  readonly size: number;
  /** Logins with at least one connection, each once. */
  principals(): Principal[];
}

export interface ConnectionOptions {
  /** It may end what it began after its login has expired by itself, as a long upload may. Default: false. */
  readonly outlivesExpiry?: boolean;
}

interface Entry extends ConnectionOptions {
  principal: Principal;
  cut: (reason: string) => void;
}

/** Makes an empty set of connections. */
export function createOpenConnections(): OpenConnections {
  const entries = new Set<Entry>();
  const cutWhere = (wanted: (principal: Principal) => boolean, reason: string): number => {
    const chosen = [...entries].filter((entry) => wanted(entry.principal));
    for (const entry of chosen) {
      entries.delete(entry);
      entry.cut(reason);
    }
    return chosen.length;
  };
  return {
    add(principal, cut, options) {
      const entry: Entry = { principal, cut, ...options };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    cut: (match, reason) => cutWhere((principal) => isMeant(principal, match), reason),
    async cutEnded(holds) {
      const asked = new Map<string, Promise<boolean>>();
      const isOver = async ({ principal, outlivesExpiry }: Entry): Promise<boolean> => {
        if (outlivesExpiry === true && hasExpired(principal)) return false;
        const answer = asked.get(principal.id) ?? holds(principal);
        asked.set(principal.id, answer);
        return !(await answer);
      };
      let cut = 0;
      const outcomes = await Promise.allSettled(
        [...entries].map(async (entry) => {
          if (!(await isOver(entry)) || !entries.delete(entry)) return;
          cut += 1;
          entry.cut('the login has ended');
        }),
      );
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return cut;
    },
    cutAll: (reason) => cutWhere(() => true, reason),
    countOf: (principal) => [...entries].filter((entry) => ownerOf(entry.principal) === ownerOf(principal)).length,
    get size() {
      return entries.size;
    },
    principals: () => [...new Map([...entries].map((entry) => [entry.principal.id, entry.principal])).values()],
  };
}

function isMeant(principal: Principal, match: LoginMatch): boolean {
  if (match.principalId !== undefined && principal.id !== match.principalId) return false;
  if (match.userId !== undefined && principal.session.user_id !== match.userId) return false;
  return match.principalId !== undefined || match.userId !== undefined;
}

function ownerOf(principal: Principal): string {
  return principal.session.user_id ?? principal.id;
}

/** True once the login has ended by itself. */
export function hasExpired({ session: { expires_at } }: Principal, nowMs: number = Date.now()): boolean {
  return expires_at !== null && Date.parse(expires_at) <= nowMs;
}

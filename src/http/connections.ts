/** Connections that outlive their request (media, events, bus sockets): counted, and cut when the login they stand on is revoked. */
import type { Principal } from './operations.js';

/** Which logins are meant: one session or token, or all of a user. */
export interface LoginMatch {
  readonly principalId?: string;
  readonly userId?: string;
}

export interface OpenConnections {
  /** Registers a connection; call what it returns when the connection has ended. */
  add(principal: Principal, cut: (reason: string) => void): () => void;
  /** Cuts all connections of these logins; returns how many. */
  cut(match: LoginMatch, reason: string): number;
  /** Cuts everything, for the stop. */
  cutAll(reason: string): number;
  /** Connections of one user (or of one token). */
  countOf(principal: Principal): number;
  readonly size: number;
  /** Logins with at least one connection, each once. */
  principals(): Principal[];
}

interface Entry {
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
    add(principal, cut) {
      const entry: Entry = { principal, cut };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    cut: (match, reason) => cutWhere((principal) => isMeant(principal, match), reason),
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

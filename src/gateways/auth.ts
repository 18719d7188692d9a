/** What the gateway asks before it lets somebody read, publish, play back, or command it. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type GatewayAuth, isToken, roleAllows, type Session, WeirError } from '../contracts/index.js';
import type { GatewayAccess, GatewayTokens, StreamAction } from './gateway.js';

/** Name under which Weir's own programs come to the gateway. */
export const ownUser = 'weir';

/** Passwords of Weir's own programs, each for one use; whoever knows one cannot find another. */
export interface OwnCredentials {
  /** For the control interface. */
  readonly api: string;
  /** For the question itself, in the address that it is sent to. */
  readonly callback: string;
  of(action: StreamAction, streamId: string): string;
}

export function createOwnCredentials(secret: string): OwnCredentials {
  const derive = (label: string) => createHmac('sha256', secret).update(`gateway ${label}`).digest('base64url');
  return { api: derive('api'), callback: derive('callback'), of: (action, streamId) => derive(`${action} ${streamId}`) };
}

export interface GatewayAuthOptions {
  readonly own: OwnCredentials;
  readonly access: GatewayAccess;
  readonly tokens: GatewayTokens;
  /** Milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

export type AuthVerdict =
  | { readonly allowed: true; readonly who: string; readonly isOwn: boolean }
  /** `empty`: nothing was shown, so that a player which has something shows it next; no failure. */
  | { readonly allowed: false; readonly why: 'empty' | 'wrong' | 'forbidden' | 'too_often' };

export interface GatewayGuard {
  judge(question: GatewayAuth): Promise<AuthVerdict>;
}

const failuresPerMinute = 30;
const passwordKeptMs = 30_000;
const maxRemembered = 2000;

/** Players ask several times for one picture, and a password is costly to check: a right one is remembered for half a minute. */
export function createGatewayGuard(options: GatewayAuthOptions): GatewayGuard {
  const { own, access, tokens, now = Date.now } = options;
  const failures = createFailureCount(now);
  const passwords = new Map<string, { session: Session; until: number }>();

  const sessionByPassword = async (question: GatewayAuth): Promise<Session | undefined> => {
    const key = createHash('sha256').update(`${question.user}\0${question.password}`).digest('base64url');
    const known = passwords.get(key);
    if (known !== undefined && known.until > now()) return known.session;
    passwords.delete(key);
    const principal = await access.byPassword(question.user, question.password, question.ip);
    if (principal === undefined) return undefined;
    for (const oldest of passwords.keys()) if (passwords.size >= maxRemembered) passwords.delete(oldest);
    passwords.set(key, { session: principal.session, until: now() + passwordKeptMs });
    return principal.session;
  };

  /** Whether what was shown allows it; undefined when it is worth nothing at all. */
  const decide = async (question: GatewayAuth, action: StreamAction): Promise<boolean | undefined> => {
    const { path } = question;
    let isSomebody = false;
    for (const token of tokensIn(question)) {
      const granted = await tokens.grants(token, path);
      if (granted !== undefined) return granted.includes(action);
      const principal = await access.byToken(token);
      if (principal === undefined) continue;
      if (may(principal.session, action, path)) return true;
      isSomebody = true;
    }
    if (isSomebody) return false;
    if (question.user === '' || question.password === '') return undefined;
    const session = await sessionByPassword(question);
    return session === undefined ? undefined : may(session, action, path);
  };

  const judgeShown = async (question: GatewayAuth, action: StreamAction): Promise<AuthVerdict> => {
    if (failures.isFull(question.ip)) return { allowed: false, why: 'too_often' };
    try {
      const allowed = await decide(question, action);
      if (allowed === true) return { allowed: true, who: question.user, isOwn: false };
      failures.add(question.ip);
      return { allowed: false, why: allowed === undefined ? 'wrong' : 'forbidden' };
    } catch (error) {
      if (error instanceof WeirError && error.code === 'resource_exhausted') return { allowed: false, why: 'too_often' };
      throw error;
    }
  };

  return {
    async judge(question) {
      if (isOwn(question, own)) return { allowed: true, who: ownUser, isOwn: true };
      if (hasNothing(question)) return { allowed: false, why: 'empty' };
      const { action, path } = question;
      return isStreamAction(action) && isToken(path) ? await judgeShown(question, action) : { allowed: false, why: 'forbidden' };
    },
  };
}

function isStreamAction(action: string): action is StreamAction {
  return action === 'read' || action === 'publish' || action === 'playback';
}

function may(session: Session, action: StreamAction, streamId: string): boolean {
  const reaches = session.streams === null || session.streams.includes(streamId);
  return reaches && roleAllows(session.role, action === 'publish' ? 'operator' : 'viewer');
}

/** Our own programs are let in before anything is counted, so that no flood of wrong attempts shuts a camera out. */
function isOwn({ user, password, action, path }: GatewayAuth, own: OwnCredentials): boolean {
  if (user !== ownUser || password === '') return false;
  if (isStreamAction(action)) return isToken(path) && isSameSecret(password, own.of(action, path));
  return ['api', 'metrics', 'pprof'].includes(action) && isSameSecret(password, own.api);
}

/** Equal lengths are demanded by the comparison; hashing first gives them without telling which part differs. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

/** A player can show a token as such, in the place of a password, or in the query of its address. */
function tokensIn(question: GatewayAuth): Set<string> {
  const query = new URLSearchParams(question.query);
  const shown = [question.token, question.password, query.get('token'), query.get('jwt')];
  return new Set(shown.filter((token): token is string => token !== null && token.length >= 20));
}

function hasNothing(question: GatewayAuth): boolean {
  const query = new URLSearchParams(question.query);
  return question.token === '' && question.password === '' && !query.has('token') && !query.has('jwt');
}

/** Failures per address within a minute. */
function createFailureCount(now: () => number): { add(address: string): void; isFull(address: string): boolean } {
  const counts = new Map<string, { count: number; until: number }>();
  const current = (address: string) => {
    const entry = counts.get(address);
    return entry !== undefined && entry.until > now() ? entry : undefined;
  };
  return {
    add(address) {
      const entry = current(address) ?? { count: 0, until: now() + 60_000 };
      entry.count++;
      counts.delete(address);
      counts.set(address, entry);
      for (const oldest of counts.keys()) if (counts.size > maxRemembered) counts.delete(oldest);
    },
    isFull: (address) => (current(address)?.count ?? 0) >= failuresPerMinute,
  };
}

/** What the gateway asks before it lets somebody read, publish, play back, or command it. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type GatewayAuth, isToken, type Role, type StreamAction, WeirError } from '../contracts/index.js';
import { type Admission, mayUse } from './admissions.js';
import type { GatewayAccess, GatewayPrincipal, GatewayTokens } from './gateway.js';

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
  /** Without an admission it was one of Weir's own programs. */
  | { readonly allowed: true; readonly admission: Admission | undefined }
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
  const passwords = new Map<string, { principal: GatewayPrincipal; until: number }>();

  const byPassword = async (question: GatewayAuth): Promise<GatewayPrincipal | undefined> => {
    const key = createHash('sha256').update(`${question.user}\0${question.password}`).digest('base64url');
    const known = passwords.get(key);
    const session = known !== undefined && known.until > now() ? await access.rightsNow(known.principal) : undefined;
    if (known !== undefined && session !== undefined) return { ...known.principal, session };
    passwords.delete(key);
    const principal = await access.byPassword(question.user, question.password, question.ip);
    if (principal === undefined) return undefined;
    for (const oldest of passwords.keys()) if (passwords.size >= maxRemembered) passwords.delete(oldest);
    passwords.set(key, { principal, until: now() + passwordKeptMs });
    return principal;
  };

  const byToken = async (token: string, path: string, action: StreamAction): Promise<Outcome> => {
    const granted = await tokens.grants(token, path);
    // The token itself says what it is for, whatever the role.
    if (granted !== undefined)
      return granted.actions.includes(action) ? { streamId: path, role: 'viewer', principal: granted.principal } : 'forbidden';
    const principal = await access.byToken(token);
    return principal === undefined ? undefined : outcomeFor(principal, path, action);
  };

  const decide = async (question: GatewayAuth, action: StreamAction): Promise<Outcome> => {
    const { path, user, password } = question;
    let isSomebody = false;
    for (const token of tokensIn(question)) {
      const outcome = await byToken(token, path, action);
      if (typeof outcome === 'object') return outcome;
      isSomebody ||= outcome === 'forbidden';
    }
    if (isSomebody) return 'forbidden';
    const principal = user === '' || password === '' ? undefined : await byPassword(question);
    return principal === undefined ? undefined : outcomeFor(principal, path, action);
  };

  const judgeShown = async (question: GatewayAuth, action: StreamAction): Promise<AuthVerdict> => {
    if (failures.isFull(question.ip)) return { allowed: false, why: 'too_often' };
    try {
      const outcome = await decide(question, action);
      if (typeof outcome === 'object') return { allowed: true, admission: outcome };
      failures.add(question.ip);
      return { allowed: false, why: outcome ?? 'wrong' };
    } catch (error) {
      if (error instanceof WeirError && error.code === 'resource_exhausted') return { allowed: false, why: 'too_often' };
      throw error;
    }
  };

  return {
    async judge(question) {
      if (isOwn(question, own)) return { allowed: true, admission: undefined };
      if (hasNothing(question)) return { allowed: false, why: 'empty' };
      const { action, path } = question;
      return isStreamAction(action) && isToken(path) ? await judgeShown(question, action) : { allowed: false, why: 'forbidden' };
    },
  };
}

/** What it is allowed by; `forbidden` for somebody who may not, undefined when what was shown is worth nothing at all. */
type Outcome = Admission | 'forbidden' | undefined;

function outcomeFor(principal: GatewayPrincipal, streamId: string, action: StreamAction): Outcome {
  const role: Role = action === 'publish' ? 'operator' : 'viewer';
  return mayUse(principal.session, role, streamId) ? { streamId, role, principal } : 'forbidden';
}

function isStreamAction(action: string): action is StreamAction {
  return action === 'read' || action === 'publish' || action === 'playback';
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

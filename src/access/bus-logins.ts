/** Who may log in to the broker besides the hub: browsers for a while, spokes, plain clients. */
import { createHmac } from 'node:crypto';
import { encodeBase64, hash } from 'bcryptjs';
import { type Permissions, permissionsFor, publishSubject, type Roots, type User } from '../contracts/index.js';
import type { AccessStore, BusLoginRecord, BusUserRecord } from './repositories.js';
import { isSubjectWithin } from './subjects.js';

/** A login as the broker takes it. */
export interface BusLogin {
  readonly user: string;
  /** bcrypt hash (`$2a$…`) of the password. */
  readonly password: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly allowResponses: boolean;
  /** Ways in that it may use; left out: all. */
  readonly connectionTypes?: readonly 'WEBSOCKET'[];
}

/** Puts the logins into force, as the broker does; the work that needs them waits for it. */
export type BusLoginListener = (logins: readonly BusLogin[]) => void | Promise<void>;

/** Passwords of 256 random bits need no slow hash, and nats-server computes it at each connect. */
const quickCost = 4;
/** For passwords that a person chose. */
const slowCost = 10;

/** In the form that every nats-server takes. */
export async function hashForBroker(password: string, kind: 'random' | 'chosen'): Promise<string> {
  const hashed = await hash(password, kind === 'random' ? quickCost : slowCost);
  // The same algorithm under its older name, the only one that old servers know.
  return hashed.replace(/^\$2b\$/, '$2a$');
}

/** The same hash for the same password after every restart: a login that changes makes the broker look at its connections anew. */
async function hashForAgent(agentId: string, password: string): Promise<string> {
  const salt = createHmac('sha256', password).update(`bus ${agentId}`).digest().subarray(0, 16);
  return await hash(password, `$2a$0${quickCost}$${encodeBase64(salt, salt.length)}`);
}

interface SpokeLogin {
  readonly streams: readonly string[];
  readonly password: string;
  readonly passwordHash: string;
}

export class BusLogins {
  readonly #store: AccessStore;
  readonly #roots: Roots;
  readonly #now: () => number;
  readonly #browsers = new Map<string, { record: BusLoginRecord; login: BusLogin }>();
  readonly #plain = new Map<string, BusUserRecord>();
  readonly #spokes = new Map<string, SpokeLogin>();
  /** Hash of the password of each worker on videos. */
  readonly #workers = new Map<string, string>();
  readonly #listeners = new Set<BusLoginListener>();
  readonly #onFailure: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** The listeners have not put the present list into force yet. */
  #isDue = false;

  constructor(options: { store: AccessStore; roots: Roots; now: () => number; onFailure: (error: unknown) => void }) {
    this.#store = options.store;
    this.#roots = options.roots;
    this.#now = options.now;
    this.#onFailure = options.onFailure;
  }

  /** Takes up what is still good of the time before a restart. */
  async load(): Promise<void> {
    for (const user of await this.#store.bus_users.all()) this.#plain.set(user.name, user);
    const stale: string[] = [];
    for (const record of await this.#store.bus_logins.all()) {
      const present = await this.#presentRights(record);
      if (present === undefined) stale.push(record.viewer);
      else this.#set({ ...record, ...present });
    }
    await this.#store.bus_logins.delete(stale);
  }

  get(viewer: string): BusLoginRecord | undefined {
    const record = this.#browsers.get(viewer)?.record;
    return record !== undefined && this.#now() < Date.parse(record.expires_at) ? record : undefined;
  }

  records(): BusLoginRecord[] {
    return [...this.#browsers.values()].map((entry) => entry.record);
  }

  /** True when a plain client may ask to watch the stream through its reading place `u-<name>`. */
  mayPlainWatch(viewer: string, streamId: string): boolean {
    const user = viewer.startsWith('u-') ? this.#plain.get(viewer.slice(2)) : undefined;
    return user !== undefined && isSubjectWithin(publishSubject('stream_watch', { stream_id: streamId }, this.#roots), user.publish);
  }

  /** Keeps a browser's login; resolves when the broker knows it. */
  async put(record: BusLoginRecord): Promise<void> {
    await this.#store.bus_logins.put(record);
    this.#set(record);
    await this.announce();
  }

  /** A later end of the same login concerns nobody but us. */
  async prolong(viewer: string, expires_at: string): Promise<void> {
    const entry = this.#browsers.get(viewer);
    if (entry === undefined) return;
    const record = { ...entry.record, expires_at };
    await this.#store.bus_logins.put(record);
    this.#browsers.set(viewer, { ...entry, record });
  }

  async remove(matches: (record: BusLoginRecord) => boolean): Promise<void> {
    const viewers = this.records()
      .filter(matches)
      .map((record) => record.viewer);
    if (viewers.length === 0) return;
    for (const viewer of viewers) this.#browsers.delete(viewer);
    await this.#announceOrRetry();
    await this.#store.bus_logins.delete(viewers);
  }

  /** Gives the logins of a user the rights that the user has now. */
  async rebind(user: User): Promise<void> {
    const { role, streams } = user;
    const mine = this.records().filter((record) => record.user_id === user.user_id);
    const changed = mine.filter((record) => record.role !== role || JSON.stringify(record.streams) !== JSON.stringify(streams));
    for (const record of changed) {
      const bound = { ...record, role, streams };
      this.#set(bound);
      await this.#store.bus_logins.put(bound);
    }
    if (changed.length > 0) await this.#announceOrRetry();
  }

  /** Its password is shown only now, so it is not lost to a broker that does not answer; that one is told again. */
  async putPlain(user: BusUserRecord): Promise<void> {
    this.#plain.set(user.name, user);
    await this.#announceOrRetry();
  }

  async removePlain(name: string): Promise<void> {
    if (this.#plain.delete(name)) await this.#announceOrRetry();
  }

  /** Without a password the one known is kept; false when none is. */
  async bindSpoke(spokeId: string, streams: readonly string[], password?: string): Promise<boolean> {
    const known = this.#spokes.get(spokeId);
    const secret = password ?? known?.password;
    if (secret === undefined) return false;
    const passwordHash = known?.password === secret ? known.passwordHash : await hashForAgent(spokeId, secret);
    this.#spokes.set(spokeId, { streams: [...streams], password: secret, passwordHash });
    await this.announce();
    return true;
  }

  async removeSpoke(spokeId: string): Promise<void> {
    if (this.#spokes.delete(spokeId)) await this.#announceOrRetry();
  }

  async admitWorker(workerId: string, password: string): Promise<void> {
    this.#workers.set(workerId, await hashForAgent(`worker ${workerId}`, password));
    await this.announce();
  }

  /** All of them, in a stable order. */
  all(): BusLogin[] {
    const browsers = [...this.#browsers.values()].map((entry) => entry.login);
    const plain = [...this.#plain.values()].map(toPlainLogin);
    const spokes = [...this.#spokes].map(([spokeId, spoke]) => toSpokeLogin(spokeId, spoke, this.#roots));
    const workers = [...this.#workers].map(([workerId, passwordHash]) => toWorkerLogin(workerId, passwordHash, this.#roots));
    return [...spokes, ...workers, ...plain, ...browsers];
  }

  listen(listener: BusLoginListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when the listeners have put into force a list at least as new as the present one. Many calls at once make one. */
  announce(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#tell().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.announce();
      });
    return this.#next;
  }

  /** Tries again what the listeners failed at. */
  async retry(): Promise<void> {
    if (this.#isDue) await this.#announceOrRetry();
  }

  /** For what holds in any case, as rights that were taken away: a broker that does not answer now is told again. */
  async #announceOrRetry(): Promise<void> {
    await this.announce().catch(this.#onFailure);
  }

  async #tell(): Promise<void> {
    // Lets the caller's other changes of this turn come along.
    await undefined;
    this.#isDue = true;
    const logins = this.all();
    for (const listener of this.#listeners) await listener(logins);
    this.#isDue = false;
  }

  #set(record: BusLoginRecord): void {
    this.#browsers.set(record.viewer, { record, login: toBrowserLogin(record, this.#roots) });
  }

  async #presentRights(record: BusLoginRecord): Promise<Pick<BusLoginRecord, 'role' | 'streams'> | undefined> {
    if (this.#now() >= Date.parse(record.expires_at)) return undefined;
    if (record.user_id === null) {
      return record.principal_id === 'local' ? record : await this.#store.tokens.get(record.principal_id);
    }
    const user = await this.#store.users.get(record.user_id);
    if (user === undefined || user.disabled) return undefined;
    const sessions = await this.#store.sessions.ofUser(record.user_id);
    const { role, streams } = user;
    return sessions.some((session) => session.session_id === record.principal_id) ? { role, streams } : undefined;
  }
}

/** Replies to a browser go where nobody else may listen. */
export function inboxPrefixOf(viewer: string): string {
  return `_INBOX_${viewer}`;
}

/** Plain clients keep the prefix that every NATS library has by default. */
export const plainInboxPrefix = '_INBOX';

function toBrowserLogin(record: BusLoginRecord, roots: Roots): BusLogin {
  const scope = { streams: record.streams ?? ('all' as const), viewer: record.viewer, inboxPrefix: inboxPrefixOf(record.viewer) };
  const permissions = permissionsFor(record.role, scope, roots);
  return { ...toLogin(`b-${record.viewer}`, record.password_hash, permissions), connectionTypes: ['WEBSOCKET'] };
}

function toSpokeLogin(spokeId: string, spoke: SpokeLogin, roots: Roots): BusLogin {
  const name = `spoke-${spokeId}`;
  const scope = { streams: spoke.streams, spokeId, inboxPrefix: inboxPrefixOf(name) };
  return toLogin(name, spoke.passwordHash, permissionsFor('spoke', scope, roots));
}

function toWorkerLogin(workerId: string, passwordHash: string, roots: Roots): BusLogin {
  const name = `worker-${workerId}`;
  return toLogin(name, passwordHash, permissionsFor('vod_worker', { streams: [], workerId, inboxPrefix: inboxPrefixOf(name) }, roots));
}

function toPlainLogin(user: BusUserRecord): BusLogin {
  const { name, password_hash, publish, subscribe, allow_responses } = user;
  return toLogin(name, password_hash, { publish, subscribe, allowResponses: allow_responses });
}

function toLogin(user: string, password: string, { publish, subscribe, allowResponses }: Permissions): BusLogin {
  return { user, password, publish, subscribe, allowResponses };
}

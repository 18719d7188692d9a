/** Signing in with a name and a password. */
import { WeirError } from '../contracts/index.js';
import { type AccessParts, note, timeText } from './parts.js';
import { hashPassword, isWeakHash, verifyNothing, verifyPassword } from './passwords.js';
import type { Caller, Principal, SignedIn } from './principal.js';
import { createRateLimit, type RateLimit, toAddressKey } from './rate-limit.js';
import type { UserRecord } from './repositories.js';
import { passwordLoginId } from './rights-now.js';
import { openSession, type SessionLife } from './sessions.js';

/** Attempts per minute. The bound on a name alone is wide, because whoever fills it shuts its owner out. */
const perAddress = 30;
const perNameAndAddress = 10;
const perName = 100;
const windowMs = 60_000;

export class SignIn {
  readonly #parts: AccessParts;
  readonly #life: SessionLife;
  readonly #limits: { address: RateLimit; nameAndAddress: RateLimit; name: RateLimit };

  constructor(parts: AccessParts, life: SessionLife) {
    this.#parts = parts;
    this.#life = life;
    const { now } = parts;
    this.#limits = {
      address: createRateLimit({ limit: perAddress, windowMs, now }),
      nameAndAddress: createRateLimit({ limit: perNameAndAddress, windowMs, now }),
      name: createRateLimit({ limit: perName, windowMs, now }),
    };
  }

  async login(credentials: { username: string; password: string }, caller: Caller): Promise<SignedIn> {
    const name = credentials.username.toLowerCase();
    const user = await this.#check(credentials, caller);
    if (user === undefined) throw new WeirError('unauthenticated', 'The name or the password is wrong');
    const signedIn = await this.#open(user, credentials.password, caller);
    this.#limits.nameAndAddress.reset(`${name} ${toAddressKey(caller.address)}`);
    return signedIn;
  }

  /** Who it is, for one use: no session is opened. Undefined when wrong; bounded and written down like a login. */
  async verify(credentials: { username: string; password: string }, caller: Caller): Promise<Principal | undefined> {
    const user = await this.#check(credentials, caller);
    if (user === undefined) return undefined;
    this.#limits.nameAndAddress.reset(`${credentials.username.toLowerCase()} ${toAddressKey(caller.address)}`);
    const { user_id, username, role, streams } = user;
    return { kind: 'session', id: passwordLoginId(user), session: { user_id, username, role, streams, expires_at: null } };
  }

  /** For a signed-in caller who proves the password again. */
  countName(caller: Caller): void {
    this.#take(this.#limits.nameAndAddress, `${caller.principal?.session.username.toLowerCase() ?? ''} ${toAddressKey(caller.address)}`);
  }

  /** For attempts that name nobody, as redeeming a set-up code. */
  countAddress(caller: Caller): void {
    this.#take(this.#limits.address, toAddressKey(caller.address));
  }

  async #check(credentials: { username: string; password: string }, caller: Caller): Promise<UserRecord | undefined> {
    await this.#count(credentials.username.toLowerCase(), caller);
    const user = await this.#parts.store.users.findByName(credentials.username);
    const right = await (user === undefined ? verifyNothing(credentials.password) : verifyPassword(credentials.password, user.password_hash));
    if (user !== undefined && right && !user.disabled) return user;
    const detail = user === undefined ? 'unknown name' : right ? 'user is disabled' : 'wrong password';
    await note(this.#parts.store, caller, { action: 'login', outcome: 'refused', actor: shownName(credentials.username), detail });
    return undefined;
  }

  async #open(user: UserRecord, password: string, caller: Caller): Promise<SignedIn> {
    const password_hash = isWeakHash(user.password_hash) ? await hashPassword(password) : user.password_hash;
    return await this.#parts.store.transaction(async (tx) => {
      // Read again: the user may have been disabled while the password was checked.
      const present = await tx.users.get(user.user_id);
      if (present === undefined || present.disabled || present.password_hash !== user.password_hash) {
        throw new WeirError('unauthenticated', 'The name or the password is wrong');
      }
      const admitted = await tx.users.update(user.user_id, { last_login_at: timeText(this.#parts.now()), password_hash });
      await note(tx, caller, { action: 'login', actor: user.username });
      return await openSession(this.#parts, this.#life, tx, admitted, caller);
    });
  }

  async #count(name: string, caller: Caller): Promise<void> {
    const address = toAddressKey(caller.address);
    try {
      this.#take(this.#limits.address, address);
      this.#take(this.#limits.nameAndAddress, `${name} ${address}`);
      this.#take(this.#limits.name, name);
    } catch (error) {
      await this.#noteLimit(name, caller, address);
      throw error;
    }
  }

  #take(limit: RateLimit, key: string): void {
    const { allowed, retryAfterS } = limit.take(key);
    if (!allowed) throw new WeirError('resource_exhausted', `Too many attempts; try again in ${retryAfterS} s`, { retryAfterS });
  }

  readonly #noted = new Map<string, number>();

  /** A flood must not become a flood of audit entries: one a minute for each address. */
  async #noteLimit(name: string, caller: Caller, address: string): Promise<void> {
    const now = this.#parts.now();
    if (now - (this.#noted.get(address) ?? Number.NEGATIVE_INFINITY) < windowMs) return;
    for (const [key, at] of this.#noted) if (now - at >= windowMs || this.#noted.size >= 10_000) this.#noted.delete(key);
    this.#noted.set(address, now);
    await note(this.#parts.store, caller, { action: 'login', outcome: 'refused', actor: shownName(name), detail: 'too many attempts' });
  }
}

/** People type passwords into the wrong field: what cannot be a name is not written down. */
function shownName(username: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(username) ? username : '(not a name)';
}

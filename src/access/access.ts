/** Everything about who may do what, behind one door. */
import {
  type AuditEntry,
  type BusCredentials,
  type BusUser,
  type CreateBusUser,
  type CreateToken,
  type CreateUser,
  defaultRoots,
  type Roots,
  type RouteAnswer,
  type Session,
  type Token,
  type UpdateUser,
  type User,
} from '../contracts/index.js';
import { createToken, deleteToken, findToken, isExpiredToken, listTokens } from './api-tokens.js';
import { issueBusCredentials } from './bus-credentials.js';
import { renewBusUsers } from './bus-grants.js';
import { type BusLogin, type BusLoginListener, BusLogins } from './bus-logins.js';
import { createBusUser, deleteBusUser, listBusUsers } from './bus-users.js';
import { admitConfiguredBusUsers, type ConfiguredBusUser } from './configured-bus-users.js';
import { ensureFirstAdmin, type FirstAdmin, setupAdmin } from './first-admin.js';
import { ensureLocalToken, localPrincipal } from './local-token.js';
import type { AccessParts } from './parts.js';
import type { Caller, Principal, SignedIn } from './principal.js';
import type { AccessStore } from './repositories.js';
import { reachesStream } from './rights.js';
import { mayStill, rightsNow } from './rights-now.js';
import { createSecret } from './secrets.js';
import { changePassword, findSession, logout, logoutEverywhere, type SessionLife } from './sessions.js';
import { isShortToken } from './short-tokens.js';
import { SignIn } from './sign-in.js';
import { createStreamTokens, isSignedToken, type StreamTokens } from './stream-tokens.js';
import { startSweeper } from './sweeper.js';
import { createUser, deleteUser, listUsers, updateUser } from './users.js';

/** Whose reading place a viewer name is. */
export interface ViewerLogin {
  readonly viewer: string;
  /** Session or token id. */
  readonly principalId: string;
  readonly session: Session;
}

export interface AccessOptions {
  readonly store: AccessStore;
  readonly roots?: Roots | undefined;
  /** A session ends after so many hours without use; default 14 days. */
  readonly sessionHours?: number | undefined;
  /** And after so many days in any case; default 90. */
  readonly sessionMaxDays?: number | undefined;
  /** Life of a browser's bus login unless prolonged; default 900. */
  readonly busCredentialsS?: number | undefined;
  /** File with the token by which programs of this machine's owner are admin; left out: no such token. */
  readonly localTokenPath?: string | undefined;
  /** What the key of stream tokens is made from; left out: a new one with each start. */
  readonly signingSecret?: string | undefined;
  /** Takes HS256 tokens that other programs sign with this secret; left out: none. */
  readonly jwtSecret?: string | undefined;
  /** Milliseconds since 1970; default the system's clock. */
  readonly now?: (() => number) | undefined;
  /** Told of what fails in the background: a sweep, or a broker that does not take the logins; both are tried again. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

export interface AuditRecord {
  readonly actor: string;
  readonly action: string;
  readonly target: string | null;
  readonly outcome: AuditEntry['outcome'];
  readonly address: string | null;
  readonly detail: string | null;
}

export interface Access {
  /** Undefined when it is wrong, expired or revoked, or its user is disabled. Prolongs the session. */
  bySession(secret: string): Promise<Principal | undefined>;
  /**
   * `weir_…` of an API token or of the local token file, a stream token that may read, or a token that another program signed with the
   * shared secret; undefined when it is wrong, expired or revoked.
   */
  byToken(secret: string): Promise<Principal | undefined>;
  /**
   * The rights of a principal as of now; undefined once its login has ended, expired or was revoked. Looks at facts only, so it may be asked
   * about one that was kept over a restart, and prolongs nothing.
   */
  rightsNow(principal: Principal): Promise<Session | undefined>;
  /** Whether a secret that {@link byToken} does not take is an API token that has expired. */
  hasExpired(secret: string): Promise<boolean>;
  /** For one use, without a session; undefined when wrong. Throws `resource_exhausted` after too many attempts. */
  byPassword(username: string, password: string, address: string): Promise<Principal | undefined>;
  /** Tokens for one stream, and the public key they are checked with. */
  readonly streamTokens: StreamTokens;

  /** Throws `unauthenticated`, or `resource_exhausted` with `retryAfterS` after too many attempts. */
  login(credentials: { username: string; password: string }, caller: Caller): Promise<SignedIn>;
  logout(caller: Caller): Promise<void>;
  /** Ends every session and bus login of the caller's user. */
  logoutEverywhere(caller: Caller): Promise<void>;
  /** Ends the user's other sessions. Throws `permission_denied` when `current` is wrong. */
  changePassword(change: { current: string; password: string }, caller: Caller): Promise<void>;

  /** True until the first admin exists. */
  setupNeeded(): Promise<boolean>;
  /** With a password: makes the user `admin` if there is no admin. Without: gives out a code for the one-time link. */
  ensureFirstAdmin(options?: { password?: string | undefined }): Promise<FirstAdmin>;
  /** Throws `failed_precondition` when an admin exists, `permission_denied` for a wrong code. */
  setupAdmin(input: { code: string; username: string; password: string }, caller: Caller): Promise<SignedIn>;

  listUsers(): Promise<User[]>;
  createUser(input: CreateUser, caller: Caller): Promise<User>;
  /** Holds for open sessions and bus logins at once. Throws `failed_precondition` rather than leave no admin. */
  updateUser(userId: string, changes: UpdateUser, caller: Caller): Promise<User>;
  deleteUser(userId: string, caller: Caller): Promise<void>;

  listTokens(): Promise<Token[]>;
  /** The secret is in this answer and nowhere else. */
  createToken(input: CreateToken, caller: Caller): Promise<RouteAnswer<'create_token'>>;
  deleteToken(tokenId: string, caller: Caller): Promise<void>;

  listBusUsers(): Promise<BusUser[]>;
  /** The password is in this answer and nowhere else. Its reading place for `watch` is `u-<name>`. */
  createBusUser(input: CreateBusUser, caller: Caller): Promise<RouteAnswer<'create_bus_user'>>;
  deleteBusUser(name: string, caller: Caller): Promise<void>;
  /** Makes the spokes that the configuration names so, and removes those that an earlier one named. */
  admitConfiguredBusUsers(users: readonly ConfiguredBusUser[]): Promise<void>;

  /** A bus login for a browser. With the viewer of an earlier one of the same principal: that one lives longer, its password stays. */
  issueBusCredentials(principal: Principal, viewerToProlong?: string): Promise<BusCredentials>;
  /** Undefined when there is no such viewer, or its login has ended. */
  busLoginOf(viewer: string): ViewerLogin | undefined;
  /** True when `viewer` may watch the stream right now: the check behind each watch request. */
  mayWatch(viewer: string, streamId: string): boolean;
  /** Admits a spoke as `spoke-<id>` with exactly these streams. Needed again after a restart of the hub. */
  setSpokeLogin(login: { spokeId: string; streams: readonly string[]; password: string }): Promise<void>;
  /** Changes the streams of an admitted spoke; false when it has no login from here. */
  bindSpoke(spokeId: string, streams: readonly string[]): Promise<boolean>;
  removeSpokeLogin(spokeId: string): Promise<void>;
  /** Admits a worker on videos as `worker-<id>`. Needed again after a restart of the hub. */
  setWorkerLogin(login: { workerId: string; password: string }): Promise<void>;
  /** All that the broker shall admit besides the hub: browsers, spokes, workers, plain clients. */
  busLogins(): readonly BusLogin[];
  /**
   * Calls back with all logins after each change, one call at a time; changes meanwhile are gathered into the next. Whoever made the
   * change waits for the promise, so resolve it when the broker obeys. Returns the way to unsubscribe.
   */
  onBusLogins(listener: BusLoginListener): () => void;

  /**
   * Calls back with the ids of sessions and tokens that have just lost their rights or had them changed, so that their sockets can be cut.
   * None stands for a user without sessions: what else was let in by his rights must be asked about with {@link rightsNow}.
   */
  onRevoked(listener: (principalIds: readonly string[]) => void): () => void;

  listAudit(query: { limit: number; cursor?: string | undefined }): Promise<{ items: AuditEntry[]; next_cursor: string | null }>;
  /** Keeps an entry; a failing database is reported to nobody but the caller. */
  audit(record: AuditRecord): Promise<void>;

  /** Changes the life of sessions, also of those that are open: who has not used one for longer than that is signed out. */
  configure(settings: { readonly sessionHours: number }): void;
  /** Ends what has expired: sessions, bus logins, old audit entries. Runs by itself every 10 s. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Reads the logins that are open from the store and begins to sweep. */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { store, roots = defaultRoots, now = Date.now, onFailure = () => undefined } = options;
  const life: SessionLife = { idleMs: (options.sessionHours ?? 14 * 24) * 3_600_000, maxMs: (options.sessionMaxDays ?? 90) * 86_400_000 };
  const busLogins = new BusLogins({ store, roots, now, onFailure });
  const revokeListeners = new Set<(principalIds: readonly string[]) => void>();
  const parts: AccessParts = {
    store,
    roots,
    now,
    busLogins,
    revoke: (principalIds) => {
      for (const listener of revokeListeners) listener(principalIds);
    },
  };
  await renewBusUsers(parts);
  await busLogins.load();
  const localToken = options.localTokenPath === undefined ? undefined : await ensureLocalToken(options.localTokenPath);
  const signIn = new SignIn(parts, life);
  const sweeper = startSweeper(parts, onFailure);
  const streamTokens = createStreamTokens({
    signingSecret: options.signingSecret ?? createSecret(),
    jwtSecret: options.jwtSecret,
    now,
    mayStill: (userId, use) => mayStill(parts, userId, use),
  });

  const access: Access = {
    bySession: (secret) => findSession(parts, life, secret),
    async byToken(secret) {
      if (isSignedToken(secret) || isShortToken(secret)) return await streamTokens.principal(secret);
      if ((await localToken?.matches(secret)) === true) return localPrincipal(secret);
      return await findToken(parts, secret);
    },
    rightsNow: (principal) => rightsNow(parts, life, principal),
    hasExpired: (secret) => isExpiredToken(parts, secret),
    byPassword: (username, password, address) => signIn.verify({ username, password }, { principal: undefined, address }),
    streamTokens,
    login: (credentials, caller) => signIn.login(credentials, caller),
    logout: (caller) => logout(parts, caller),
    logoutEverywhere: (caller) => logoutEverywhere(parts, caller),
    async changePassword(change, caller) {
      signIn.countName(caller);
      await changePassword(parts, change, caller);
    },
    setupNeeded: async () => (await store.users.countAdmins()) === 0,
    ensureFirstAdmin: (given) => ensureFirstAdmin(parts, given?.password),
    async setupAdmin(input, caller) {
      signIn.countAddress(caller);
      return await setupAdmin(parts, life, input, caller);
    },
    listUsers: () => listUsers(parts),
    createUser: (input, caller) => createUser(parts, input, caller),
    updateUser: (userId, changes, caller) => updateUser(parts, userId, changes, caller),
    deleteUser: (userId, caller) => deleteUser(parts, userId, caller),
    listTokens: () => listTokens(parts),
    createToken: (input, caller) => createToken(parts, input, caller),
    deleteToken: (tokenId, caller) => deleteToken(parts, tokenId, caller),
    listBusUsers: () => listBusUsers(parts),
    createBusUser: (input, caller) => createBusUser(parts, input, caller),
    deleteBusUser: (name, caller) => deleteBusUser(parts, name, caller),
    admitConfiguredBusUsers: (users) => admitConfiguredBusUsers(parts, users),
    issueBusCredentials: (principal, viewer) => issueBusCredentials(parts, (options.busCredentialsS ?? 900) * 1000, principal, viewer),
    busLoginOf: (viewer) => toViewerLogin(busLogins, viewer),
    mayWatch(viewer, streamId) {
      const login = busLogins.get(viewer);
      return login === undefined ? busLogins.mayPlainWatch(viewer, streamId) : reachesStream(login, streamId);
    },
    async setSpokeLogin({ spokeId, streams, password }) {
      await busLogins.bindSpoke(spokeId, streams, password);
    },
    bindSpoke: (spokeId, streams) => busLogins.bindSpoke(spokeId, streams),
    removeSpokeLogin: (spokeId) => busLogins.removeSpoke(spokeId),
    setWorkerLogin: ({ workerId, password }) => busLogins.admitWorker(workerId, password),
    busLogins: () => busLogins.all(),
    onBusLogins: (listener) => busLogins.listen(listener),
    onRevoked(listener) {
      revokeListeners.add(listener);
      return () => void revokeListeners.delete(listener);
    },
    listAudit: (query) => store.audit.list(query),
    audit: (record) => store.audit.append(record),
    configure({ sessionHours }) {
      life.idleMs = sessionHours * 3_600_000;
    },
    sweep: () => sweeper.sweep(),
    stop: () => sweeper.stop(),
    [Symbol.asyncDispose]: () => sweeper.stop(),
  };
  return access;
}

function toViewerLogin(busLogins: BusLogins, viewer: string): ViewerLogin | undefined {
  const login = busLogins.get(viewer);
  if (login === undefined) return undefined;
  const { user_id, username, role, streams, expires_at } = login;
  return { viewer, principalId: login.principal_id, session: { user_id, username, role, streams, expires_at } };
}

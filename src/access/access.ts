/** Everything about who may do what, behind one door. */
import type {
  AuditEntry,
  BusCredentials,
  BusUser,
  CreateBusUser,
  CreateToken,
  CreateUser,
  Roots,
  RouteAnswer,
  Session,
  Token,
  UpdateUser,
  User,
} from '../contracts/index.js';
import type { AccessStore } from './repositories.js';

/** Who is asking: made by `bySession`, `byToken` and the ways to sign in, and only good with the Access that made it. */
export interface Principal {
  readonly kind: 'session' | 'token';
  /** Session or token id, never the secret. */
  readonly id: string;
  readonly session: Session;
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
  readonly maxAgeS: number;
  readonly principal: Principal;
}

/** A login as the broker takes it. */
export interface BusLogin {
  readonly user: string;
  /** bcrypt hash (`$2a$…`) of the password. */
  readonly password: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly allowResponses: boolean;
}

/** Whose reading place a viewer name is. */
export interface ViewerLogin {
  readonly viewer: string;
  /** Session or token id. */
  readonly principalId: string;
  readonly session: Session;
}

export interface FirstAdmin {
  /** False when an admin exists, or was made with the given password just now. */
  readonly needed: boolean;
  /** For the one-time link; good until an admin was made with it. Set exactly when needed. */
  readonly code?: string;
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
  /** Milliseconds since 1970; default the system's clock. */
  readonly now?: (() => number) | undefined;
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
  /** `weir_…` of an API token or of the local token file; undefined when it is wrong, expired or revoked. */
  byToken(secret: string): Promise<Principal | undefined>;

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

  /** A bus login for a browser. With the viewer of an earlier one of the same principal: that one lives longer, its password stays. */
  issueBusCredentials(principal: Principal, viewerToProlong?: string): Promise<BusCredentials>;
  /** Undefined when there is no such viewer, or its login has ended. */
  busLoginOf(viewer: string): ViewerLogin | undefined;
  /** True when `viewer` may watch the stream right now: the check behind each watch request. */
  mayWatch(viewer: string, streamId: string): boolean;
  /** Admits a spoke with exactly these streams, or changes what it may. Needed again after a restart of the hub. */
  setSpokeLogin(login: { spokeId: string; streams: readonly string[]; password: string }): Promise<void>;
  removeSpokeLogin(spokeId: string): void;
  /** All that the broker shall admit besides the hub: browsers, spokes, plain clients. */
  busLogins(): readonly BusLogin[];
  /** Calls back after each change of `busLogins`. Returns the way to unsubscribe. */
  onBusLogins(listener: (logins: readonly BusLogin[]) => void): () => void;

  /** Calls back with the ids of sessions and tokens that have just lost their rights or had them changed, so that their sockets can be cut. */
  onRevoked(listener: (principalIds: readonly string[]) => void): () => void;

  listAudit(query: { limit: number; cursor?: string | undefined }): Promise<{ items: AuditEntry[]; next_cursor: string | null }>;
  /** Keeps an entry; a failing database is reported to nobody but the caller. */
  audit(record: AuditRecord): Promise<void>;

  /** Ends what has expired: sessions, bus logins, old audit entries. Runs by itself every 10 s. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Reads the logins that are open from the store and begins to sweep. */
export declare function openAccess(options: AccessOptions): Promise<Access>;

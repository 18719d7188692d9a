/** What access control needs of a database; the store provides it. */
import type { AuditEntry, BusUser, BusUserGrants, ChannelName, MessageInput, ParamsOf, Role, Token, User } from '../contracts/index.js';

export interface UserRecord extends User {
  password_hash: string;
}

export interface SessionRecord {
  session_id: string;
  /** SHA-256 of the secret, hexadecimal. */
  token_hash: string;
  user_id: string;
  created_at: string;
  /** Moves on with use. */
  expires_at: string;
  /** Never moves. */
  ends_at: string;
  last_seen_at: string;
  address: string | null;
  user_agent: string | null;
}

export interface TokenRecord extends Token {
  /** SHA-256 of the secret part, hexadecimal. */
  secret_hash: string;
}

export interface BusUserRecord extends BusUser {
  /** bcrypt, as nats-server checks it. */
  password_hash: string;
  allow_responses: boolean;
  /** What the subjects were made from; null where only the subjects are known. */
  grants: BusUserGrants | null;
}

/** Login of a browser to the bus; kept so that a restarted hub lets open pictures go on. */
export interface BusLoginRecord {
  viewer: string;
  /** Id of the session or token it was given to. */
  principal_id: string;
  /** Null for an API token. */
  user_id: string | null;
  username: string;
  password_hash: string;
  role: Role;
  streams: string[] | null;
  created_at: string;
  expires_at: string;
}

export interface AccessRepositories {
  readonly users: {
    insert(user: UserRecord): Promise<void>;
    get(userId: string): Promise<UserRecord | undefined>;
    findByName(username: string): Promise<UserRecord | undefined>;
    all(): Promise<UserRecord[]>;
    update(
      userId: string,
      changes: Partial<Pick<UserRecord, 'password_hash' | 'role' | 'streams' | 'disabled' | 'last_login_at'>>,
    ): Promise<UserRecord>;
    delete(userId: string): Promise<boolean>;
    countAdmins(): Promise<number>;
  };
  readonly sessions: {
    insert(session: SessionRecord): Promise<void>;
    findByHash(tokenHash: string): Promise<{ session: SessionRecord; user: UserRecord } | undefined>;
    ofUser(userId: string): Promise<SessionRecord[]>;
    touch(sessionId: string, times: { last_seen_at: string; expires_at: string }): Promise<void>;
    delete(sessionId: string): Promise<boolean>;
    deleteOfUser(userId: string, exceptSessionId?: string): Promise<string[]>;
    deleteExpired(now: string): Promise<string[]>;
  };
  readonly tokens: {
    insert(token: TokenRecord): Promise<void>;
    get(tokenId: string): Promise<TokenRecord | undefined>;
    all(): Promise<TokenRecord[]>;
    touch(tokenId: string, lastUsedAt: string): Promise<void>;
    delete(tokenId: string): Promise<boolean>;
  };
  readonly bus_users: {
    insert(user: BusUserRecord): Promise<void>;
    all(): Promise<BusUserRecord[]>;
    /** Gives it other subjects; its password stays. Nothing when there is none of that name. */
    regrant(user: BusUserRecord): Promise<void>;
    delete(name: string): Promise<boolean>;
  };
  readonly bus_logins: {
    put(login: BusLoginRecord): Promise<void>;
    all(): Promise<BusLoginRecord[]>;
    delete(viewers: readonly string[]): Promise<void>;
  };
  readonly audit: {
    append(entry: Omit<AuditEntry, 'audit_id' | 'time'> & { time?: string | undefined }): Promise<void>;
    list(query: { limit: number; cursor?: string | undefined }): Promise<{ items: AuditEntry[]; next_cursor: string | null }>;
    prune(options: { before?: string; keep?: number }): Promise<number>;
  };
  readonly outbox: {
    add<N extends ChannelName>(event: { event_id: string; name: N; params: ParamsOf<N>; message: MessageInput<N> }): Promise<void>;
  };
  readonly settings: {
    get(key: string): Promise<unknown>;
    set(key: string, value: unknown): Promise<void>;
    delete(key: string): Promise<boolean>;
  };
}

export interface AccessTransaction extends AccessRepositories {
  /** Waits until no other transaction holds this name. */
  lock(name: string): Promise<void>;
}

export interface AccessStore extends AccessRepositories {
  transaction<T>(work: (tx: AccessTransaction) => Promise<T>): Promise<T>;
}

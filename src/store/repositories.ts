/** What the store keeps, one repository per noun. Every method throws only WeirErrors; times are RFC 3339 texts as on the wire. */
import type {
  Alert,
  AuditEntry,
  BusUser,
  BusUserGrants,
  ChannelName,
  MessageInput,
  ParamsOf,
  Role,
  Spoke,
  Stream,
  Token,
  User,
} from '../contracts/index.js';
import type { CameraRepository, ExternalStreamRepository } from './cameras.js';
import type { CallbackRepository, DeadLetterRepository, JobRepository } from './jobs-repository.js';
import type { Page, PageQuery } from './page.js';
import type { ExportRepository, RecordingRepository, SnapshotRepository } from './recordings-repository.js';
import type { SettingsVersionRepository } from './settings-versions.js';
import type { UploadRepository, VideoRepository } from './videos-repository.js';

/** The part of a stream that is kept; what is observed stays in memory. */
export type StreamRecord = Pick<
  Stream,
  'stream_id' | 'name' | 'config' | 'desired' | 'on_demand' | 'managed' | 'spoke' | 'revision' | 'created_at' | 'updated_at'
>;
export type NewStream = Omit<StreamRecord, 'revision' | 'created_at' | 'updated_at'>;
export type StreamChanges = Partial<Pick<StreamRecord, 'name' | 'config' | 'desired' | 'on_demand' | 'managed' | 'spoke'>>;

export interface StreamQuery extends PageQuery {
  /** Streams whose name or id contains it, whatever its case. */
  readonly text?: string | undefined;
  /** Only these; left out or null: all. */
  readonly ids?: readonly string[] | null | undefined;
}

export interface StreamRepository {
  /** Starts with revision 1. Throws `already_exists` when the id is taken. */
  insert(stream: NewStream): Promise<StreamRecord>;
  get(streamId: string): Promise<StreamRecord | undefined>;
  /** Ordered by id. */
  list(query: StreamQuery): Promise<Page<StreamRecord>>;
  /** Every stream, ordered by id. */
  all(): Promise<StreamRecord[]>;
  count(): Promise<number>;
  /**
   * Applies the changes and adds one to the revision. Throws `not_found`, and `failed_precondition` when `expectedRevision`
   * is given and the stream has another one by now.
   */
  update(streamId: string, changes: StreamChanges, expectedRevision?: number): Promise<StreamRecord>;
  /** False when there was none. */
  delete(streamId: string): Promise<boolean>;
}

export interface UserRecord extends User {
  password_hash: string;
}
export type UserChanges = Partial<Pick<UserRecord, 'password_hash' | 'role' | 'streams' | 'disabled' | 'last_login_at'>>;

export interface UserRepository {
  /** Throws `already_exists` when the name is taken; names differ by more than their case. */
  insert(user: UserRecord): Promise<void>;
  get(userId: string): Promise<UserRecord | undefined>;
  /** Whatever the case of the name. */
  findByName(username: string): Promise<UserRecord | undefined>;
  /** Ordered by name. */
  all(): Promise<UserRecord[]>;
  /** Throws `not_found`. */
  update(userId: string, changes: UserChanges): Promise<UserRecord>;
  delete(userId: string): Promise<boolean>;
  /** Admins that are not disabled. */
  countAdmins(): Promise<number>;
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

export interface SessionRepository {
  insert(session: SessionRecord): Promise<void>;
  /** The session and its user in one read, whatever their state. */
  findByHash(tokenHash: string): Promise<{ session: SessionRecord; user: UserRecord } | undefined>;
  ofUser(userId: string): Promise<SessionRecord[]>;
  touch(sessionId: string, times: { last_seen_at: string; expires_at: string }): Promise<void>;
  delete(sessionId: string): Promise<boolean>;
  /** Ids of the sessions deleted. */
  deleteOfUser(userId: string, exceptSessionId?: string): Promise<string[]>;
  /** Ids of the sessions deleted: those with `expires_at` at or before `now`. */
  deleteExpired(now: string): Promise<string[]>;
}

export interface TokenRecord extends Token {
  secret_hash: string;
}

export interface TokenRepository {
  insert(token: TokenRecord): Promise<void>;
  get(tokenId: string): Promise<TokenRecord | undefined>;
  /** Newest first. */
  all(): Promise<TokenRecord[]>;
  touch(tokenId: string, lastUsedAt: string): Promise<void>;
  delete(tokenId: string): Promise<boolean>;
}

export interface BusUserRecord extends BusUser {
  password_hash: string;
  allow_responses: boolean;
  /** What the subjects were made from; null where only the subjects are known. */
  grants: BusUserGrants | null;
}

export interface BusUserRepository {
  /** Throws `already_exists`. */
  insert(user: BusUserRecord): Promise<void>;
  all(): Promise<BusUserRecord[]>;
  /** Gives it other subjects; its password stays. Nothing when there is none of that name. */
  regrant(user: BusUserRecord): Promise<void>;
  delete(name: string): Promise<boolean>;
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

export interface BusLoginRepository {
  put(login: BusLoginRecord): Promise<void>;
  all(): Promise<BusLoginRecord[]>;
  delete(viewers: readonly string[]): Promise<void>;
}

export interface RaisedAlert extends Pick<Alert, 'severity' | 'kind' | 'message' | 'hint' | 'stream_id'> {
  /** Default: made here. Only used when the alert opens. */
  readonly alert_id?: string | undefined;
  /** Default: now. */
  readonly raised_at?: string | undefined;
}

export interface AlertQuery extends PageQuery {
  /** True: not cleared yet; false: cleared. */
  readonly open?: boolean | undefined;
  /** Only alerts of these streams; left out or null: all. */
  readonly ids?: readonly string[] | null | undefined;
}

export interface AlertRepository {
  /** Opens an alert, or counts one up that is open for the same kind and stream; `opened` tells which. */
  raise(alert: RaisedAlert): Promise<{ alert: Alert; opened: boolean }>;
  /** Undefined when none was open. */
  clear(kind: string, streamId: string | null): Promise<Alert | undefined>;
  /** Clears every open alert of a stream. */
  clearStream(streamId: string): Promise<Alert[]>;
  get(alertId: string): Promise<Alert | undefined>;
  /** Throws `not_found`. A second acknowledgement changes nothing. */
  acknowledge(alertId: string, by: string): Promise<Alert>;
  /** Newest first. */
  list(query: AlertQuery): Promise<Page<Alert>>;
  /** Open alerts, oldest first; at most 1000. */
  open(): Promise<Alert[]>;
  /** Forgets cleared alerts from before; the number forgotten. */
  prune(clearedBefore: string): Promise<number>;
}

export type NewAuditEntry = Omit<AuditEntry, 'audit_id' | 'time'> & { time?: string | undefined };

export interface AuditRepository {
  append(entry: NewAuditEntry): Promise<void>;
  /** Newest first. */
  list(query: PageQuery): Promise<Page<AuditEntry>>;
  /** Forgets entries from before, and the oldest beyond `keep`; the number forgotten. */
  prune(options: { before?: string; keep?: number }): Promise<number>;
}

/** A message that must leave when, and only when, the transaction it was added in commits. */
export interface OutboxEvent<N extends ChannelName = ChannelName> {
  /** Message id on the bus, by which receivers drop what they had already. */
  event_id: string;
  name: N;
  params: ParamsOf<N>;
  message: MessageInput<N>;
}

export interface OutboxRow extends OutboxEvent {
  outbox_id: number;
  created_at: string;
  attempts: number;
}

export interface OutboxDepth {
  waiting: number;
  /** Age of the oldest waiting event, seconds; 0 when none waits. */
  oldest_s: number;
  /** Set aside because the bus will never take them. */
  dead: number;
}

export interface OutboxRepository {
  add<N extends ChannelName>(event: OutboxEvent<N>): Promise<void>;
  /** The oldest that wait, in the order they were added. */
  next(limit: number): Promise<OutboxRow[]>;
  markSent(outboxIds: readonly number[]): Promise<void>;
  /** Counts the attempt; `dead` sets it aside, so that it holds up the others no longer. */
  markFailed(outboxId: number, reason: string, dead: boolean): Promise<void>;
  depth(): Promise<OutboxDepth>;
  /** Forgets events sent or set aside before; the number forgotten. */
  prune(before: string): Promise<number>;
}

/** Single values of the hub itself, for example hashes of set-up codes. */
export interface SettingRepository {
  get(key: string): Promise<unknown>;
  /** `value` must survive JSON. */
  set(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<boolean>;
}

/** Spokes as they were last seen. */
export interface SpokeRepository {
  put(spoke: Spoke): Promise<void>;
  all(): Promise<Spoke[]>;
  delete(spokeId: string): Promise<boolean>;
}

export interface Repositories {
  readonly streams: StreamRepository;
  readonly users: UserRepository;
  readonly sessions: SessionRepository;
  readonly tokens: TokenRepository;
  readonly bus_users: BusUserRepository;
  readonly bus_logins: BusLoginRepository;
  readonly alerts: AlertRepository;
  readonly audit: AuditRepository;
  readonly outbox: OutboxRepository;
  readonly settings: SettingRepository;
  readonly settings_versions: SettingsVersionRepository;
  readonly spokes: SpokeRepository;
  readonly cameras: CameraRepository;
  readonly external_streams: ExternalStreamRepository;
  readonly recordings: RecordingRepository;
  readonly snapshots: SnapshotRepository;
  readonly exports: ExportRepository;
  readonly jobs: JobRepository;
  readonly dead_letters: DeadLetterRepository;
  readonly callbacks: CallbackRepository;
  readonly videos: VideoRepository;
  readonly uploads: UploadRepository;
}

/** The same repositories inside one transaction. */
export interface Transaction extends Repositories {
  /** Waits until no other transaction holds this name; let go at the end. SQLite has one writer anyway. */
  lock(name: string): Promise<void>;
}

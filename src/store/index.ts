/** The door of the store: SQL for what must survive. */
export type { CameraChanges, CameraRecord, CameraRepository, ExternalStreamRepository, NewCamera } from './cameras.js';
export { type OpenStoreOptions, openStore, type Store } from './open-store.js';
export { type OutboxFailure, type OutboxRelay, type OutboxRelayOptions, type PublishEvent, startOutboxRelay } from './outbox-relay.js';
export type { Page, PageQuery } from './page.js';
export type {
  ExportRecord,
  ExportRepository,
  GapRecord,
  Keyframe,
  OffsetPage,
  OffsetQuery,
  PolicyRecord,
  RecordingChanges,
  RecordingRecord,
  RecordingRepository,
  SegmentQuery,
  SegmentRecord,
  SnapshotRecord,
  SnapshotRepository,
  StreamTotals,
} from './recordings-repository.js';
export type {
  AlertQuery,
  AlertRepository,
  AuditRepository,
  BusLoginRecord,
  BusLoginRepository,
  BusUserRecord,
  BusUserRepository,
  NewAuditEntry,
  NewStream,
  OutboxDepth,
  OutboxEvent,
  OutboxRepository,
  OutboxRow,
  RaisedAlert,
  Repositories,
  SessionRecord,
  SessionRepository,
  SettingRepository,
  SpokeRepository,
  StreamChanges,
  StreamQuery,
  StreamRecord,
  StreamRepository,
  TokenRecord,
  TokenRepository,
  Transaction,
  UserChanges,
  UserRecord,
  UserRepository,
} from './repositories.js';
export type { SettingsVersionRecord, SettingsVersionRepository } from './settings-versions.js';

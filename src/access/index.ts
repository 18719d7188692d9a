/** The door of access control: users, sessions, tokens, rights, bus logins, audit. */
export { type Access, type AccessOptions, type AuditRecord, openAccess, type ViewerLogin } from './access.js';
export type { BusLogin, BusLoginListener } from './bus-logins.js';
export type { FirstAdmin } from './first-admin.js';
export { ensureLocalToken, type LocalToken } from './local-token.js';
export type { Caller, Principal, SignedIn } from './principal.js';
export { createRateLimit, type RateLimit, type RateLimitOptions, type RateVerdict, toAddressKey } from './rate-limit.js';
export type { AccessRepositories, AccessStore, AccessTransaction } from './repositories.js';
export { looksAfterAll, mayOperate, mayView, owns, type Rights, reachesStream } from './rights.js';
export {
  createStreamTokens,
  isSignedToken,
  type StreamGrant,
  type StreamTokenOptions,
  type StreamTokenRequest,
  type StreamTokens,
} from './stream-tokens.js';

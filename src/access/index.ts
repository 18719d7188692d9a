/** The door of access control: users, sessions, tokens, rights, bus logins, audit. */
export {
  type Access,
  type AccessOptions,
  type AuditRecord,
  type BusLogin,
  type Caller,
  type FirstAdmin,
  openAccess,
  type Principal,
  type SignedIn,
  type ViewerLogin,
} from './access.js';
export { createRateLimit, type RateLimit, type RateLimitOptions, type RateVerdict, toAddressKey } from './rate-limit.js';
export type { AccessRepositories, AccessStore, AccessTransaction } from './repositories.js';
export { mayOperate, mayView, type Rights, reachesStream } from './rights.js';

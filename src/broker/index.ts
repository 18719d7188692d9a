/** The NATS server of Weir: supervised here, or run by somebody else. */
export type { Broker, BrokerOptions } from './broker.js';
export { type BrokerConfig, type BrokerPorts, formatBrokerConfig, type TlsFiles } from './config.js';
export { externalBroker } from './external.js';
export { defaultHealthTiming, type HealthTiming } from './health-watch.js';
export type { LaunchOptions } from './launch.js';
export type { ServerFigures } from './monitor.js';
export { startBroker } from './start-broker.js';
export type { BrokerState, BusServer } from './state.js';
export { type BrokerUser, type ConnectionType, checkUsers, type NkeyUser, type PasswordUser } from './users.js';
export {
  featuresOf,
  findServerProgram,
  formatVersion,
  installHint,
  isAtLeast,
  oldestVersion,
  parseVersion,
  type ServerFeatures,
  type ServerProgram,
  type ServerVersion,
} from './version.js';

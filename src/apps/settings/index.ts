/** The configuration while it is used: followed in its file, changed through the API, kept with its history. */
export { atOnce } from './applies.js';
export { changeOffline, type OfflineChange } from './change-offline.js';
export type {
  SectionChange,
  SectionListener,
  Settings,
  SettingsAlerts,
  SettingsOperations,
  SettingsOptions,
  SettingsSection,
} from './needs.js';
export { startSettings } from './start-settings.js';

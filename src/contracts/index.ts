/** The door of the contracts: everything a client of Weir needs to know. */
export * from './access.js';
export * from './agent.js';
export * from './alert.js';
export * from './channels.js';
export * from './config.js';
export * from './device.js';
export * from './errors.js';
export * from './history.js';
export * from './ids.js';
export * from './media.js';
export * from './permissions.js';
export * from './routes.js';
export * from './stream.js';
export * from './system.js';

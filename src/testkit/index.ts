/** What tests and benchmarks share. Imported by no production file. */
export { assertNoLeaks, countResources, listChildren, type ResourceCount } from './leak-check.js';
export { assertWithin } from './pace.js';
export { freePort, startTestPostgres, type TestPostgres, withoutPostgres } from './postgres.js';
export { mountSmallDisk, type SmallDisk } from './small-disk.js';
export { makeTempFolder, removeFolder, withTempFolder } from './temp-folder.js';
export { startTestBroker, type TestBroker, type TestBrokerOptions, type TestUser } from './test-broker.js';
export { nextEvent, nextItem, type WaitOptions, waitFor, withDeadline } from './wait-for.js';

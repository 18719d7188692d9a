/** Child processes: spawn, lines, stop ladder, restart policy, adoption, locks. Knows nothing of video or NATS. */
export { adoptProcess, type WatchedProcess } from './adopt.js';
export { type CoveredArguments, coverArguments, eraseOwnArguments } from './argument-memory.js';
export { BoundedLines, type LineLimits } from './bounded-lines.js';
export { fileError, inFolder } from './file-error.js';
export { acquireFileLock, type FileLock } from './file-lock.js';
export {
  describeProcess,
  findListener,
  findProcessesByArguments,
  isProcessIdentity,
  isSameProcess,
  type ProcessIdentity,
  processIdentity,
} from './identity.js';
export { takeEnvironment } from './own-environment.js';
export { hasParentDeathSignal } from './parent-death.js';
export { type PidRecord, recordProcess, sweepOrphans, writeFileAtomic } from './pid-records.js';
export { describeExit, type ExitReport, type RunningProcess, type SpawnOptions, type StopOptions, spawnProcess } from './process.js';
export { createFamilySampler, createProcessSampler, isHeld, type ProcessSampler, type ProcessStats } from './process-stats.js';
export { childEnvironment, findOptionalProgram, findProgram } from './program.js';
export {
  createRestartPolicy,
  initialRestartState,
  nextRestart,
  type RestartDecision,
  type RestartEvent,
  type RestartOptions,
  type RestartPolicy,
  type RestartState,
} from './restart-policy.js';
export { defaultStopLadder, type StopLadder, signalGroup } from './stop-ladder.js';
export { type RunFailure, type SupervisedProcess, type SupervisedState, type SuperviseOptions, superviseProcess } from './supervise.js';

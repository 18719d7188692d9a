/** The spoke side of live streams: FFmpeg processes, their supervision, and what they report on the bus. */
export { noRecorders, type RecordedSource, type Recorders, type StreamRecorder } from './recorder.js';
export { type FixedStream, type FurtherCommand, type Spoke, type SpokeLimits, type SpokeOptions, startSpoke } from './spoke.js';

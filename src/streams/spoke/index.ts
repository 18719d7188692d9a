/** The spoke side of live streams: FFmpeg processes, their supervision, and what they report on the bus. */
export { type FixedStream, type Spoke, type SpokeLimits, type SpokeOptions, startSpoke } from './spoke.js';

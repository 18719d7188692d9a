/** FFmpeg's arguments, reports and failures, and fragmented MP4. Starts no long-lived process and knows nothing of the bus. */
export { type CaptureCommand, captureArgs, captureCommand } from './ffmpeg/capture-args.js';
export type { CapturePlan, EncodePlan } from './ffmpeg/capture-plan.js';
export { type FindOptions, findMachineFacts } from './ffmpeg/encoders.js';
export { type EncoderReport, type HardwareEncoder, hardwareEncoders, type MachineFacts, type VideoEncoder } from './ffmpeg/facts.js';
export {
  classifyFailure,
  type Failure,
  type FfmpegExit,
  type FfmpegLine,
  type PushEvent,
  parseFfmpegLine,
  parsePushEvent,
} from './ffmpeg/failure.js';
export { isMasked, maskSecrets } from './ffmpeg/mask.js';
export { maskDevice, maskOutputUrl, restoreAddress } from './ffmpeg/masked-address.js';
export type { Output } from './ffmpeg/output.js';
export { parseOutput } from './ffmpeg/parse-output.js';
export { planCapture } from './ffmpeg/plan.js';
export { type ProbeOptions, type ProbeOutcome, probeSource } from './ffmpeg/probe.js';
export { createProgressParser, type ProgressParser, type ProgressReport } from './ffmpeg/progress.js';
export { type ProgramResult, type RunOptions, runProgram } from './ffmpeg/run-program.js';
export { type Slate, slateArgs } from './ffmpeg/slate-args.js';
export { type Snapshot, snapshotArgs } from './ffmpeg/snapshot-args.js';
export {
  doorOf,
  type FileSource,
  type NetworkSource,
  parseSource,
  type Source,
  type SourceDoor,
  type SourcePolicy,
  type TestSource,
  type V4l2Source,
} from './ffmpeg/source.js';
export { type AudioTrack, readTrackFacts, type TrackFacts, type VideoTrack } from './fmp4/codecs.js';
export { type CutterOptions, createFragmentCutter, type FragmentCutter } from './fmp4/cutter.js';
export type { Fragment, InitSegment } from './fmp4/fragment.js';
export { concatBytes, createSegmentAssembler, type GroupInput, type Segment, type SegmentAssembler } from './fmp4/group.js';
export {
  createFileTimeline,
  type DurationField,
  encodeDuration,
  type FileTimeline,
  findDurationField,
  type PlacedFragment,
} from './fmp4/rebase.js';
export { type FragmentScan, scanFragments } from './fmp4/scan.js';
export { frameCounterLayout, readFrameCounter } from './frame-counter.js';
export {
  checkDecode,
  type DecodeCheckOptions,
  type Delivery,
  noPictures,
  type OutputPictures,
  openPackager,
  type PackageRequest,
  type Packager,
  packageOutput,
  plainRuns,
  type RunMedia,
  type RunMediaOptions,
  type ValidateOptions,
  validateOutput,
  withPictures,
} from './hls/index.js';
export {
  type ControlValue,
  controlArgs,
  isCaptureNode,
  isLoopback,
  parseV4l2Report,
  probeV4l2,
  setV4l2Controls,
  type V4l2Control,
  type V4l2Format,
  type V4l2FrameSize,
  type V4l2Probe,
  type V4l2Report,
  type V4l2RunOptions,
} from './v4l2/index.js';
export {
  type Chunk,
  type ChunkOptions,
  chunkAudioCommand,
  chunkCommand,
  type JoinCommand,
  type JoinOptions,
  joinCommand,
  planChunks,
} from './vod/chunks.js';
export { type EncodeCommand, type EncodeOptions, encodeCommand } from './vod/encode.js';
export type { EncodeOutput, FfmpegCommand } from './vod/ffmpeg-command.js';
export { type InspectOptions, inspectSource, type SourceLimits } from './vod/inspect.js';
export { type LadderEncoder, ladderEncoders } from './vod/ladder-encoders.js';
export { type LoudnessFacts, loudnessCommand, parseLoudness } from './vod/loudness.js';
export {
  type EncodingMachine,
  findEncodingMachine,
  type LadderEncoderReport,
} from './vod/machine.js';
export { makePictures, type PicturesRequest, type ThumbnailRequest, thumbnailArgs } from './vod/pictures.js';
export {
  type FrameRate,
  type PicturePlan,
  type PlannedAudio,
  type PlannedRendition,
  type PlannedSubtitle,
  type PlanOptions,
  planVideo,
  type VideoPlan,
} from './vod/plan.js';
export { findRememberedMachine, type RememberOptions } from './vod/remembered-machine.js';
export { findSandbox, type SandboxLimits, type SandboxTools, sandboxCommand } from './vod/sandbox.js';
export { subtitleArgs } from './vod/subtitles.js';

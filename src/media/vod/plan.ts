/** What is to be made of a source: a pure function of its facts, the profile, and what the machine can do. */
import type { SourceFacts } from '../../contracts/video.js';
import type { VideoCodec, VideoProfile } from '../../contracts/video-profile.js';
import type { EncodingMachine, LadderEncoder } from './machine.js';

/** An exact number of frames per second. */
export interface FrameRate {
  readonly num: number;
  readonly den: number;
}

export interface PlannedRendition {
  /** File names begin with it. */
  readonly name: string;
  readonly codec: VideoCodec;
  /** `copy`: the source fits this step and is passed through. */
  readonly encoder: LadderEncoder | 'copy';
  /** Pixels, even, square. */
  readonly width: number;
  readonly height: number;
  readonly frameRate: FrameRate;
  /** Every `gopFrames` frames comes an IDR frame, and nowhere else; for `copy` the longest distance in the source. */
  readonly gopFrames: number;
  readonly videoKbps: number;
  /** Never exceeded over `bufferKbits`. */
  readonly maxKbps: number;
  readonly bufferKbits: number;
  /** Null: an average bit rate is aimed at. */
  readonly crf: number | null;
  readonly preset: string;
  /** As the encoder spells it; null: left to the encoder. */
  readonly profile: string | null;
  readonly level: string | null;
  /** Of the sound that is muxed with it. */
  readonly audioKbps: number;
}

export interface PlannedAudio {
  /** File names begin with it: `audio`, then `audio_2` and so on. */
  readonly name: string;
  /** Number of the stream in the source. */
  readonly index: number;
  /** BCP 47 or `und`. */
  readonly language: string;
  /** For people; differs between the tracks of a plan. */
  readonly title: string;
  readonly isDefault: boolean;
  readonly channels: 1 | 2;
  readonly sampleRate: 44_100 | 48_000;
  readonly kbps: number;
}

export interface PlannedSubtitle {
  /** File names begin with it: `subtitles`, then `subtitles_2`. */
  readonly name: string;
  readonly index: number;
  readonly language: string;
  readonly title: string;
  readonly isForced: boolean;
}

/** What is done to each picture before it is scaled. */
export interface PicturePlan {
  /** Number of the stream in the source. */
  readonly index: number;
  readonly deinterlace: 'none' | 'bwdif' | 'yadif';
  /** `zscale`: mapped to SDR by luminance; `plain`: only the numbers are converted, as the build has no better way. */
  readonly toneMap: 'none' | 'zscale' | 'plain';
  /** Frames of the output as long as the whole video. */
  readonly frames: number;
}

export interface VideoPlan {
  readonly profile: string;
  readonly container: 'ts' | 'cmaf';
  /** From high to low. Empty: the source has no picture. */
  readonly renditions: readonly PlannedRendition[];
  readonly picture: PicturePlan | null;
  readonly frameRate: FrameRate | null;
  /** `muxed`: the only track is in the segments of every rendition; `group`: each track has playlists of its own; `none`: silent. */
  readonly audioLayout: 'muxed' | 'group' | 'none';
  readonly audio: readonly PlannedAudio[];
  readonly subtitles: readonly PlannedSubtitle[];
  /** Exact: a whole number of keyframe intervals, as 6.006 at 29.97 frames per second. */
  readonly segmentS: number;
  readonly keyframeS: number;
  /** Length of every track of the output. */
  readonly durationS: number;
  /** First timestamp of the source, which becomes `timelineStartS`. */
  readonly sourceStartS: number;
  /** Presentation time of the first frame of every rendition: 1.4 s in `ts` (for X-TIMESTAMP-MAP: times 90000), 0 in `cmaf`. */
  readonly timelineStartS: number;
  readonly encryption: 'none' | 'aes128';
  readonly loudness: boolean;
  /** Where the thumbnail is taken, seconds of the output. */
  readonly thumbnailS: number;
  /** For the log: what was decided, and why. */
  readonly notes: readonly string[];
  readonly machine: Pick<EncodingMachine, 'version' | 'renderNode'>;
}

export interface PlanOptions {
  /** Steps of the ladder by name; null: all of the profile. An unknown name throws `invalid_argument`. */
  readonly quality?: readonly string[] | null;
  readonly machine: EncodingMachine;
  /** Seconds or `hh:mm:ss`; default: a tenth into the video. Beyond the end: the last frame. */
  readonly thumbnailTime?: string | null;
  /** Only software encoders: after a hardware encoder failed, and for pieces that go to other machines. Default false. */
  readonly software?: boolean;
}

/**
 * A step above the source is left out; when all are, the lowest is made at the size of the source. Throws `invalid_argument` for an
 * unknown quality, `unsupported` when no encoder of a codec works that the profile asks for.
 */
export function planVideo(facts: SourceFacts, profile: VideoProfile, options: PlanOptions): VideoPlan {
  throw new Error(`not planned: ${facts.container} ${profile.name} ${options.machine.version}`);
}

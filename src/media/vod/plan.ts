/** What is to be made of a source: a pure function of its facts, the profile, and what the machine can do. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceFacts } from '../../contracts/video.js';
import type { Rendition, VideoCodec, VideoProfile } from '../../contracts/video-profile.js';
import { type PlannedAudio, type PlannedSubtitle, planAudio, planSubtitles } from './audio-plan.js';
import { dividedRate, type FrameRate, greatestDivisor, nearestRate, parseRate, perSecond } from './frame-rate.js';
import { chooseSteps, fitLadder, type LadderStep } from './ladder.js';
import type { LadderEncoder } from './ladder-encoders.js';
import { h264Level, h265Level } from './levels.js';
import type { EncodingMachine } from './machine.js';
import { passthroughObstacle } from './passthrough.js';

export type { PlannedAudio, PlannedSubtitle } from './audio-plan.js';
export type { FrameRate } from './frame-rate.js';

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
  /** Every so many frames comes an IDR frame, and nowhere else. */
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

/** What is done to each picture before it is scaled. */
export interface PicturePlan {
  /** Number of the stream in the source. */
  readonly index: number;
  readonly deinterlace: 'none' | 'bwdif' | 'yadif';
  /** `zscale`: mapped to SDR by luminance; `plain`: only the numbers are converted, as the build has no better way. */
  readonly toneMap: 'none' | 'zscale' | 'plain';
  /** The source is RGB: it must be told which matrix players expect. */
  readonly isRgb: boolean;
  /** Rate that pictures are brought to before anything else; `frameRate` of the plan unless frames are dropped. */
  readonly sourceRate: FrameRate;
  /** Every n-th of those is kept. */
  readonly divisor: number;
  /** Frames of the output as long as the whole video. */
  readonly frames: number;
  /** So many frames at the end repeat the last picture, as the sound lasts longer. */
  readonly repeated: number;
}

export interface VideoPlan {
  readonly profile: string;
  readonly container: 'ts' | 'cmaf';
  /** From high to low. Empty: the source has no picture. */
  readonly renditions: readonly PlannedRendition[];
  readonly picture: PicturePlan | null;
  /** Of the fastest rendition. */
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
  /** Time of the source that becomes the beginning, counted from the source's first timestamp. */
  readonly zeroS: number;
  /** Presentation time of the first frame of every rendition: 1.4 s in `ts` (X-TIMESTAMP-MAP: times 90000), 0 in `cmaf`. */
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
  /** Seconds or `hh:mm:ss`; default: a tenth into the video. Beyond the end: the last picture. */
  readonly thumbnailTime?: string | null;
  /** Only software encoders: after a hardware encoder failed, and for pieces that go to other machines. Default false. */
  readonly software?: boolean;
}

/** FFmpeg's own beginning of MPEG-TS, late enough that no decoding time is negative. */
const tsStartS = 1.4;
const fastest = 60;

/**
 * A step above the source is left out; when all are, the lowest is made at the size of the source. Throws `invalid_argument` for an
 * unknown quality, `unsupported` when no encoder of a codec works that the profile asks for.
 */
export function planVideo(facts: SourceFacts, profile: VideoProfile, options: PlanOptions): VideoPlan {
  const notes: string[] = [];
  const steps = chooseSteps(profile, options.quality);
  const zeroS = zeroOf(facts);
  const pictures = facts.video === null ? undefined : planPictures(facts, facts.video, profile, { ...options, steps, zeroS, notes });
  const container = chooseContainer(profile, steps, pictures !== undefined, notes);
  const kbps = Math.max(...steps.map((step) => step.audio_kbps));
  const audio = planAudio(facts, profile, { kbps, zeroS: facts.start_s + zeroS });
  const durationS = pictures?.durationS ?? soundEnd(facts) - zeroS;
  const keyframeS = pictures?.keyframeS ?? profile.keyframe_s;
  const intervals = Math.max(1, Math.round(profile.segment_s / keyframeS));
  const segmentS = pictures === undefined ? profile.segment_s : (pictures.gopFrames * intervals * pictures.frameRate.den) / pictures.frameRate.num;
  return {
    profile: profile.name,
    container,
    renditions: pictures?.renditions ?? [],
    picture: pictures?.picture ?? null,
    frameRate: pictures?.frameRate ?? null,
    audioLayout: layoutOf(audio.length, container, pictures !== undefined),
    audio,
    subtitles: planSubtitles(facts, profile),
    segmentS,
    keyframeS,
    durationS,
    zeroS,
    timelineStartS: container === 'ts' ? tsStartS : 0,
    encryption: profile.encryption,
    loudness: profile.loudness,
    thumbnailS: thumbnailTime(options.thumbnailTime, durationS),
    notes,
    machine: { version: options.machine.version, renderNode: options.machine.renderNode },
  };
}

/** Apple's players take H.265 and AV1 in fragmented MP4 only. */
function chooseContainer(profile: VideoProfile, steps: readonly Rendition[], hasPicture: boolean, notes: string[]): 'ts' | 'cmaf' {
  if (profile.container === 'ts' && hasPicture && steps.some((step) => step.codec !== 'h264')) {
    notes.push('Fragmented MP4 instead of MPEG-TS, as H.265 and AV1 are not played from the latter');
    return 'cmaf';
  }
  return profile.container;
}

function layoutOf(tracks: number, container: 'ts' | 'cmaf', hasPicture: boolean): VideoPlan['audioLayout'] {
  if (tracks === 0) return 'none';
  return tracks === 1 && container === 'ts' && hasPicture ? 'muxed' : 'group';
}

/**
 * The output begins with the first picture. Only when that comes clearly later than the sound does the output begin with the sound, with
 * the first picture standing still.
 */
function zeroOf(facts: SourceFacts): number {
  const first = facts.video?.start_s ?? facts.audio[0]?.start_s ?? facts.start_s;
  const sound = Math.min(...facts.audio.map((track) => track.start_s ?? first), first);
  return (first - sound > 0.25 ? sound : first) - facts.start_s;
}

/** End of the sound, counted from the source's first timestamp. */
function soundEnd(facts: SourceFacts): number {
  const ends = facts.audio.map((track) => (track.start_s ?? facts.start_s) + (track.duration_s ?? facts.duration_s) - facts.start_s);
  return ends.length === 0 ? 0 : Math.max(...ends);
}

interface PictureOptions extends PlanOptions {
  readonly steps: readonly Rendition[];
  readonly zeroS: number;
  readonly notes: string[];
}

function planPictures(facts: SourceFacts, video: NonNullable<SourceFacts['video']>, profile: VideoProfile, options: PictureOptions) {
  const { machine, notes, steps, zeroS } = options;
  const sourceRate = slowest(parseRate(video.frame_rate_text) ?? nearestRate(video.frame_rate));
  const { rate: frameRate, divisor } = dividedRate(sourceRate, fastest);
  if (divisor > 1) notes.push(`Every ${divisor}. frame is kept, as ${round(perSecond(sourceRate))} frames per second are more than ${fastest}`);
  const ladder = fitLadder(steps, video).map((step) => ({ ...step, ...dividedRate(frameRate, step.step.max_fps) }));
  // Keyframes come at the same times in all renditions, also in those of a half or third of the rate.
  const common = ladder.reduce((so, step) => (so * step.divisor) / greatestDivisor(so, step.divisor), 1);
  const copy = copyOf(facts, profile, ladder, { frameRate, common, notes });
  const gopFrames = copy?.gopFrames ?? Math.max(1, Math.round((profile.keyframe_s * perSecond(frameRate)) / common)) * common;
  const keyframeS = (gopFrames * frameRate.den) / frameRate.num;
  const pictureEnd = (video.start_s ?? facts.start_s) + (video.duration_s ?? facts.duration_s) - facts.start_s - zeroS;
  const frames = Math.max(1, Math.round(pictureEnd * perSecond(frameRate)));
  const longer = soundEnd(facts) - zeroS - pictureEnd;
  const repeated = longer > 0.5 ? Math.round(longer * perSecond(frameRate)) : 0;
  if (repeated > 0) notes.push(`The last picture stands for ${round(longer)} s, as the sound lasts longer`);
  const renditions = ladder.map((step) => {
    const encoder = copy?.name === step.step.name ? 'copy' : chooseEncoder(step.step.codec, profile, options);
    return planRendition(step, profile, { encoder, gopFrames: gopFrames / step.divisor });
  });
  return {
    renditions,
    frameRate,
    gopFrames,
    keyframeS,
    durationS: ((frames + repeated) * frameRate.den) / frameRate.num,
    picture: {
      index: video.index,
      deinterlace: deinterlaceOf(video.is_interlaced, machine, notes),
      toneMap: toneMapOf(video.is_hdr, machine, notes),
      isRgb: /^(?:gbr|rgb|bgr|argb|abgr|0rgb|0bgr|pal8)/.test(video.pixel_format ?? ''),
      sourceRate,
      divisor,
      frames: frames + repeated,
      repeated,
    },
  };
}

/** Segments need a keyframe every few seconds, however rarely the picture changes. */
function slowest(rate: FrameRate): FrameRate {
  return perSecond(rate) < 1 ? { num: 1, den: 1 } : rate;
}

interface Copy {
  readonly name: string;
  /** Distance of its keyframes, which the other renditions follow. */
  readonly gopFrames: number;
}

/** The step that the source is passed through as, if any. The notes say why not. */
function copyOf(
  facts: SourceFacts,
  profile: VideoProfile,
  ladder: readonly (LadderStep & { rate: FrameRate })[],
  options: { readonly frameRate: FrameRate; readonly common: number; readonly notes: string[] },
): Copy | undefined {
  const [top] = ladder;
  const { video } = facts;
  if (!profile.passthrough || top === undefined || video === null) return undefined;
  const alone = ladder.length === 1;
  const gopFrames = video.gop?.frames ?? Math.round((video.keyframe_interval_s ?? 0) * perSecond(options.frameRate));
  const gopS = gopFrames / perSecond(options.frameRate);
  const start = (video.start_s ?? facts.start_s) - facts.start_s;
  const isUneven = start - zeroOf(facts) > 1e-3 || soundEnd(facts) - start - (video.duration_s ?? facts.duration_s) > 0.5;
  const isRare = gopS > (alone ? Math.max(10, profile.segment_s) : profile.segment_s) * 1.01;
  const obstacle =
    passthroughObstacle(facts, { step: top.step, width: top.width, height: top.height, frameRate: top.rate, alone }) ??
    (isUneven ? 'it begins later or ends earlier than its sound' : undefined) ??
    (gopS < 0.4 || isRare ? `its keyframes are ${round(gopS)} s apart` : undefined) ??
    (gopFrames % options.common === 0 ? undefined : 'its keyframes do not fit the slower renditions');
  options.notes.push(obstacle === undefined ? `${top.step.name} is passed through` : `Nothing is passed through: ${obstacle}`);
  return obstacle === undefined ? { name: top.step.name, gopFrames } : undefined;
}

function planRendition(
  ladder: LadderStep & { readonly rate: FrameRate },
  profile: VideoProfile,
  options: { readonly encoder: LadderEncoder | 'copy'; readonly gopFrames: number },
): PlannedRendition {
  const { step, width, height, rate } = ladder;
  const isCapped = profile.rate === 'capped_crf' || step.crf !== undefined;
  const maxKbps = isCapped ? step.video_kbps : Math.round(step.video_kbps * 1.2);
  const coded = { width, height, framesPerS: perSecond(rate), maxKbps };
  const { encoder } = options;
  const standard = standardOf(step.codec, encoder, coded);
  return {
    name: step.name,
    codec: step.codec,
    encoder,
    width,
    height,
    frameRate: rate,
    gopFrames: options.gopFrames,
    videoKbps: step.video_kbps,
    maxKbps,
    bufferKbits: step.video_kbps * 2,
    crf: isCapped ? (step.crf ?? crfOf(step, profile.crf)) : null,
    preset: profile.preset,
    ...standard,
    audioKbps: step.audio_kbps,
  };
}

function standardOf(
  codec: VideoCodec,
  encoder: LadderEncoder | 'copy',
  coded: Parameters<typeof h264Level>[0],
): Pick<PlannedRendition, 'profile' | 'level'> {
  if (encoder === 'copy' || codec === 'av1') return { profile: null, level: null };
  if (codec === 'h265') return { profile: 'main', level: h265Level(coded) ?? null };
  return { profile: 'high', level: h264Level(coded) ?? null };
}

/** Small pictures are enlarged on the screen, which shows their faults: they get a lower value. Other codecs count differently. */
function crfOf(step: Rendition, crf: number): number {
  const smaller = step.height >= 1080 ? 0 : step.height >= 720 ? 1 : step.height >= 480 ? 2 : 3;
  const wanted = Math.max(1, crf - smaller);
  if (step.codec === 'h265') return wanted + 3;
  return step.codec === 'av1' ? Math.min(63, Math.round(wanted * 1.4)) : wanted;
}

function chooseEncoder(codec: VideoCodec, profile: VideoProfile, options: PlanOptions): LadderEncoder {
  const hardware = profile.hardware && options.software !== true;
  const working = options.machine.encoders.filter((report) => report.codec === codec && report.works);
  const chosen = working.find((report) => hardware || !report.isHardware) ?? working[0];
  if (chosen !== undefined) return chosen.encoder;
  const tried = options.machine.encoders.filter((report) => report.codec === codec).map((report) => `${report.encoder}: ${report.reason ?? ''}`);
  throw new WeirError('unsupported', `No encoder for ${codec} works on this machine (${tried.join('; ')})`, {
    field: 'profile',
    received: profile.name,
    hint: `Use a profile without ${codec}, or install an FFmpeg with an encoder for it`,
    facts: { reason: 'encoder_missing', feature: codec },
  });
}

function deinterlaceOf(isInterlaced: boolean, machine: EncodingMachine, notes: string[]): PicturePlan['deinterlace'] {
  if (!isInterlaced) return 'none';
  notes.push('The picture is interlaced and becomes progressive');
  return machine.filters.has('bwdif') ? 'bwdif' : 'yadif';
}

function toneMapOf(isHdr: boolean, machine: EncodingMachine, notes: string[]): PicturePlan['toneMap'] {
  if (!isHdr) return 'none';
  const canMap = machine.filters.has('zscale') && machine.filters.has('tonemap');
  notes.push(canMap ? 'HDR is mapped to SDR' : 'HDR becomes SDR without mapping of the brightness, as this FFmpeg lacks zscale');
  return canMap ? 'zscale' : 'plain';
}

function thumbnailTime(text: string | null | undefined, durationS: number): number {
  if (text === null || text === undefined) return durationS / 10;
  const seconds = text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Math.max(0, Math.min(Number.isFinite(seconds) ? seconds : 0, durationS));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

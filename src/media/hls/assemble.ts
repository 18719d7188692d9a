/** What the measured tracks amount to: lines of the multivariant playlist, the manifest, the output as it is stored. Pure. */
import type { VideoOutput } from '../../contracts/video.js';
import type { PlannedAudio, PlannedRendition, VideoPlan } from '../vod/plan.js';
import type { DashManifest } from './dash.js';
import { bandwidthOf, frameRateOf, type MeasuredTrack } from './measured-track.js';
import type { AudioRendition, Multivariant, Variant } from './multivariant.js';
import type { OutputPictures, PackageRequest } from './package-request.js';
import { dashTemplate } from './track-files.js';
import type { WrittenSubtitle } from './write-subtitles.js';

export interface PackagedTracks {
  readonly plan: VideoPlan;
  readonly video: readonly MeasuredTrack[];
  /** With files of their own. */
  readonly audio: readonly MeasuredTrack[];
  readonly subtitles: readonly WrittenSubtitle[];
  readonly targetDurationS: number;
  /** By name of the rendition. */
  readonly iframes: Map<string, NonNullable<Variant['iframes']>>;
}

interface RenditionFacts {
  readonly track: MeasuredTrack;
  readonly planned: PlannedRendition | undefined;
  readonly variant: Variant;
}

function renditionsOf(tracks: PackagedTracks): RenditionFacts[] {
  const { plan, video, audio, subtitles, targetDurationS } = tracks;
  const sound = audio.map(({ segments }) => bandwidthOf(segments, targetDurationS));
  const soundPeak = Math.max(0, ...sound.map(({ peak }) => peak)) + Math.max(0, ...subtitles.map(({ peak }) => peak));
  const soundAverage = Math.max(0, ...sound.map(({ average }) => average)) + Math.max(0, ...subtitles.map(({ average }) => average));
  const soundCodecs = audio.flatMap((track) => (track.audio === undefined ? [] : [track.audio.codecs]));
  return video.map((track) => {
    const planned = plan.renditions.find(({ name }) => name === track.files.name);
    const rates = bandwidthOf(track.segments, targetDurationS);
    const rate = planned === undefined ? undefined : planned.frameRate.num / planned.frameRate.den;
    return {
      ...{ track, planned },
      variant: {
        playlist: track.files.playlist,
        bandwidth: rates.peak + soundPeak,
        averageBandwidth: rates.average + soundAverage,
        codecs: [track.video?.codecs, track.audio?.codecs, ...soundCodecs].filter((codec) => codec !== undefined),
        resolution: track.video,
        frameRate: frameRateOf(track, rate),
        range: track.video?.range ?? 'SDR',
        iframes: tracks.iframes.get(track.files.name),
      },
    };
  });
}

/** Without a picture the default sound is the variant. */
function soundVariant(tracks: PackagedTracks): Variant[] {
  const track = tracks.audio.find((one) => plannedAudio(tracks, one)?.isDefault) ?? tracks.audio[0];
  if (track === undefined) return [];
  const { peak, average } = bandwidthOf(track.segments, tracks.targetDurationS);
  const codecs = track.audio === undefined ? [] : [track.audio.codecs];
  const common = { playlist: track.files.playlist, bandwidth: peak, averageBandwidth: average, codecs };
  return [{ ...common, resolution: undefined, frameRate: undefined, range: 'SDR', iframes: undefined }];
}

function plannedAudio({ plan }: PackagedTracks, track: MeasuredTrack): PlannedAudio | undefined {
  return plan.audio.find(({ name }) => name === track.files.name);
}

function audioRenditions(tracks: PackagedTracks): (AudioRendition & { name: string; playlist: string })[] {
  return tracks.audio.map((track) => {
    const planned = plannedAudio(tracks, track);
    return {
      ...{ name: track.files.name, playlist: track.files.playlist, language: planned?.language ?? 'und', title: planned?.title ?? track.files.name },
      ...{ isDefault: planned?.isDefault ?? false, channels: track.audio?.channels ?? planned?.channels ?? 2 },
    };
  });
}

export function variantsOf(tracks: PackagedTracks): Multivariant {
  const isSoundOnly = tracks.plan.renditions.length === 0;
  const variants = isSoundOnly ? soundVariant(tracks) : renditionsOf(tracks).map(({ variant }) => variant);
  // One track of sound alone is the variant itself and needs no group.
  const audio = isSoundOnly && tracks.audio.length < 2 ? [] : audioRenditions(tracks);
  return { variants, audio, subtitles: tracks.subtitles };
}

export function dashManifest(tracks: PackagedTracks): DashManifest {
  const { plan, video, audio, targetDurationS } = tracks;
  const common = (track: MeasuredTrack) => ({
    ...{ name: track.files.name, init: track.files.init ?? '', media: dashTemplate(track.files), segments: track.segments, startS: track.startS },
    bandwidth: bandwidthOf(track.segments, targetDurationS).peak,
  });
  const durationS = Math.max(0, ...(video.length > 0 ? video : audio).map((track) => track.durationS));
  return {
    ...{ durationS, targetDurationS, timelineStartS: plan.timelineStartS },
    video: video.map((track) => {
      const rate = plan.renditions.find(({ name }) => name === track.files.name)?.frameRate;
      const frameRate = rate === undefined ? '25' : rate.den === 1 ? String(rate.num) : `${rate.num}/${rate.den}`;
      const { codecs = '', width = 0, height = 0 } = track.video ?? {};
      return { ...common(track), codecs, width, height, frameRate };
    }),
    audio: audioRenditions(tracks).map((rendition, index) => {
      const track = tracks.audio[index] as MeasuredTrack;
      const { language, title, isDefault, channels } = rendition;
      return { ...common(track), codecs: track.audio?.codecs ?? '', sampleRate: track.audio?.sampleRate ?? 0, language, title, isDefault, channels };
    }),
    subtitles: tracks.subtitles,
  };
}

/** The output as it is stored and told. */
export function assembleOutput(
  request: Omit<PackageRequest, 'pictures'>,
  tracks: PackagedTracks,
  pictures: OutputPictures,
  written: { readonly sizeBytes: number; readonly dash: string | null },
): VideoOutput {
  const main = tracks.video.length > 0 ? tracks.video : tracks.audio;
  const { thumbnail, posters, storyboard } = pictures;
  return {
    ...{ revision: request.revision, profile: request.profile.name, master: 'master.m3u8', dash: written.dash, thumbnail, posters, storyboard },
    renditions: tracks.plan.renditions.length === 0 ? soundRenditions(tracks) : renditionsOf(tracks).map(outputRendition),
    audio: audioRenditions(tracks).map(({ name, language, playlist }) => ({ name, language, playlist })),
    subtitles: tracks.subtitles.map(({ name, language, playlist, vtt }) => ({ name, language, playlist, vtt })),
    duration_s: round(Math.max(0, ...main.map(({ durationS }) => durationS))),
    size_bytes: written.sizeBytes,
    is_encrypted: request.plan.encryption !== 'none',
    published_at: new Date().toISOString(),
  };
}

function round(seconds: number): number {
  return Math.round(seconds * 1_000_000) / 1_000_000;
}

function outputRendition({ track, planned, variant }: RenditionFacts): VideoOutput['renditions'][number] {
  return {
    ...{ name: track.files.name, playlist: track.files.playlist, width: track.video?.width ?? null, height: track.video?.height ?? null },
    ...{ frame_rate: variant.frameRate ?? null, codec: planned?.codec ?? null, codecs: [...new Set(variant.codecs)].join(',') },
    ...{ bandwidth: variant.bandwidth, average_bandwidth: variant.averageBandwidth, segments: track.segments.length },
    ...{ size_bytes: track.sizeBytes, frames: track.frames, passthrough: planned?.encoder === 'copy', encoder: planned?.encoder ?? 'copy' },
  };
}

function soundRenditions(tracks: PackagedTracks): VideoOutput['renditions'][number][] {
  return soundVariant(tracks).flatMap((variant) => {
    const track = tracks.audio.find(({ files }) => files.playlist === variant.playlist);
    if (track === undefined) return [];
    return [{ ...outputRendition({ track, planned: undefined, variant }), codec: null, frames: null, encoder: 'aac' }];
  });
}

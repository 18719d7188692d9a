/** What FFmpeg left in an output folder: which files belong to which track. Made from the plan; all that is measured comes from the files. */
import type { VideoCodec } from '../../contracts/video-profile.js';

/** Segments of one track: `720p_000.ts`, ...; with fMP4 also the init segment. */
export interface TrackFiles {
  /** Name of the rendition: `720p`, `audio_1`; file names begin with it. */
  readonly name: string;
  /** `720p.m3u8`. */
  readonly playlist: string;
  /** What the names of the segments begin with: `720p_`. A number and the extension of the container follow. */
  readonly segmentPrefix: string;
  readonly segmentExtension: 'ts' | 'm4s';
  /** fMP4 only: `720p_init.mp4`. */
  readonly init: string | undefined;
}

export interface VideoTrackFiles extends TrackFiles {
  readonly codec: VideoCodec;
  /** `libx264`, `h264_vaapi`, ...; `copy` when the source was passed through. */
  readonly encoder: string;
  readonly passthrough: boolean;
}

/** Audio that has files of its own. Audio that lies in the video's segments is not listed. */
export interface AudioTrackFiles extends TrackFiles {
  /** Of an audio group; renditions of one group hold the same tracks at different rates. Default `audio`. */
  readonly group?: string;
  /** BCP 47, or `und`. */
  readonly language: string;
  /** As viewers see it: `English`. */
  readonly title: string;
  readonly isDefault: boolean;
}

/** A subtitle track as one whole WebVTT file, as `subtitleArgs` lets FFmpeg write it. */
export interface SubtitleFile {
  /** `sub_1`; names of its playlist and segments begin with it. */
  readonly name: string;
  /** The WebVTT file below the output folder. */
  readonly vtt: string;
  /** BCP 47, or `und`. */
  readonly language: string;
  readonly title: string;
  readonly isDefault: boolean;
  readonly isForced: boolean;
  /** For the deaf and hard of hearing: dialogue and sounds. */
  readonly isSdh: boolean;
}

/** Everything in an output folder that playlists are made of. */
export interface OutputLayout {
  readonly container: 'ts' | 'cmaf';
  /** Seconds. */
  readonly segmentS: number;
  /** Any order; empty for audio alone. */
  readonly video: readonly VideoTrackFiles[];
  readonly audio: readonly AudioTrackFiles[];
  /** Language and title of the audio inside the video's segments; undefined: none is there. */
  readonly muxedAudio: { readonly language: string; readonly title: string; readonly isDefault: boolean } | undefined;
  readonly subtitles: readonly SubtitleFile[];
}

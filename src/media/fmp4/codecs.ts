/** What an initialisation segment says about its tracks. */

export interface VideoTrack {
  readonly id: number;
  readonly timescale: number;
  /** FFmpeg's word: `h264`, `hevc`, `av1`, `vp9`, else the sample entry's four characters. */
  readonly codec: string;
  /** RFC 6381, for example `avc1.64001f`. */
  readonly codecs: string;
  readonly width: number;
  readonly height: number;
  readonly profile: string | undefined;
}

export interface AudioTrack {
  readonly id: number;
  readonly timescale: number;
  /** `aac`, `opus`, `mp3`, else the sample entry's four characters. */
  readonly codec: string;
  readonly codecs: string;
  readonly sampleRate: number;
  readonly channels: number;
}

/** Defaults that `moov` gives for the samples of a track. */
export interface SampleDefaults {
  readonly duration: number;
  readonly flags: number;
}

export interface TrackFacts {
  /** All tracks, for `Weir-Codecs` and `MediaSource.isTypeSupported`: `avc1.64001f,mp4a.40.2`. */
  readonly codecs: string;
  /** `video/mp4; codecs="…"`, or `audio/mp4` without video. */
  readonly mimeType: string;
  readonly video: VideoTrack | undefined;
  readonly audio: AudioTrack | undefined;
  readonly defaults: ReadonlyMap<number, SampleDefaults>;
}

/** Reads the tracks out of an initialisation segment. Throws `invalid_argument` when it has no readable `moov`. */
export function readTrackFacts(_init: Uint8Array): TrackFacts {
  throw new Error('being written');
}

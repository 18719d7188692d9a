/** What was found on this machine; the argument builders are pure functions of it. */

export const hardwareEncoders = ['h264_nvenc', 'h264_qsv', 'h264_vaapi', 'h264_v4l2m2m'] as const;
export type HardwareEncoder = (typeof hardwareEncoders)[number];
export type VideoEncoder = 'libx264' | HardwareEncoder;

export interface EncoderReport {
  readonly encoder: VideoEncoder;
  readonly works: boolean;
  /** Why it does not work, in words; undefined when it does. */
  readonly reason: string | undefined;
  readonly tookMs: number;
}

export interface MachineFacts {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** As FFmpeg prints it, for example `5.1.9-0+deb12u1`. */
  readonly version: string;
  /** A TrueType font for drawn text; without one pictures carry no text. */
  readonly fontFile: string | undefined;
  /** Encoders compiled in and tried, in order of preference. */
  readonly encoders: readonly EncoderReport[];
  /** DRM render node for VAAPI and QSV. */
  readonly renderNode: string | undefined;
}

/** Compares the leading numbers of FFmpeg's version; a version without any (a build from a branch) counts as new. */
export function versionAtLeast(version: string, major: number, minor: number): boolean {
  const [, gotMajor, gotMinor] = /^n?(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  if (gotMajor === undefined) return true;
  return Number(gotMajor) > major || (Number(gotMajor) === major && Number(gotMinor ?? 0) >= minor);
}

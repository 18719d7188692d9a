/** What may be streamed: the `device` of a stream, checked against the policy of this host and taken apart. */

/** What sources this host allows. */
export interface SourcePolicy {
  /** Folders whose files may be streamed; symbolic links are followed before the check. */
  readonly mediaFolders: readonly string[];
  /** When not empty: the only hosts that network sources may name. `.example.org` allows all below it. */
  readonly sourceHosts?: readonly string[];
  /** `false` checks file paths as text only, for a hub that does not share the disk with the spoke. Default `true`. */
  readonly checkFiles?: boolean;
}

interface Named {
  /** As the user wrote it; may hold secrets. */
  readonly device: string;
  /** The same without secrets, for status, logs and error texts. */
  readonly display: string;
}

/** The built-in test picture with wall clock, frame counter and optionally a 1 kHz beep each second. */
export interface TestSource extends Named {
  readonly kind: 'test';
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly hasAudio: boolean;
}

export interface V4l2Source extends Named {
  readonly kind: 'v4l2';
  readonly path: string;
}

export interface NetworkSource extends Named {
  readonly kind: 'rtsp' | 'rtmp' | 'srt' | 'http';
  /** The URL for FFmpeg, credentials included. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Exact strings to mask in whatever FFmpeg writes. */
  readonly secrets: readonly string[];
}

export interface FileSource extends Named {
  readonly kind: 'file';
  /** Absolute, with symbolic links resolved (unless the policy says not to look). */
  readonly path: string;
}

export type Source = TestSource | V4l2Source | NetworkSource | FileSource;

/** Where the same encode is pushed to. */
export interface Output {
  readonly kind: 'rtsp' | 'rtmp' | 'srt';
  readonly url: string;
  readonly display: string;
  readonly host: string;
  readonly port: number;
  readonly secrets: readonly string[];
}

/** What can be looked at cheaply to learn whether a source is back. `none`: only a real attempt tells (SRT, test picture). */
export type SourceDoor =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'none' };

/**
 * Takes a `device` apart. Throws `invalid_argument` for what is malformed or of an unknown kind, `permission_denied` for what the
 * policy forbids, `not_found` for a file that does not exist. Device nodes and network hosts are not touched.
 */
export function parseSource(_device: string, _policy: SourcePolicy): Source {
  throw new Error('being written');
}

/** Takes an `output_url` apart; throws `invalid_argument` for anything but RTSP, RTMP and SRT. */
export function parseOutput(_outputUrl: string): Output {
  throw new Error('being written');
}

/** Where to look to learn that the source is back. */
export function doorOf(_source: Source): SourceDoor {
  throw new Error('being written');
}

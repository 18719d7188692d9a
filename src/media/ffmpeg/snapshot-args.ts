/** A still from a fragment: init segment + key fragment on stdin, picture on stdout. */

export interface Snapshot {
  readonly format: 'jpg' | 'png';
  /** Pixels; the height follows. Default: as the video. Never enlarged. */
  readonly width?: number;
}

export function snapshotArgs(_snapshot: Snapshot): string[] {
  throw new Error('being written');
}

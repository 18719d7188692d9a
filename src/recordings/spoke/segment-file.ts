/** One file on its way: written as `.part`, given its name when it is whole. */

/** What the writer needs of an open file. */
export interface SegmentFile {
  /** Appends all of it, or throws; then some of it may have been written. */
  append(parts: readonly Uint8Array[]): Promise<void>;
  sync(): Promise<void>;
  /** Cuts it to so many bytes. */
  cut(size: number): Promise<void>;
  close(): Promise<void>;
}

export type OpenSegmentFile = (path: string) => Promise<SegmentFile>;

/** Watches the room on the disk of the recordings. */

export interface StorageLimits {
  /** Used share of the disk from which nothing is recorded. */
  readonly blockPercent: number;
  /** Nothing is recorded below so much free room. */
  readonly minFreeBytes: number;
  /** Time between two looks; default 5000. */
  readonly checkMs?: number;
  /** Room on the disk that holds a folder; for tests. Default: asks the system. */
  readonly statfs?: (folder: string) => Promise<DiskRoom>;
}

export interface DiskRoom {
  readonly totalBytes: number;
  /** Free for anybody who is not root. */
  readonly freeBytes: number;
}

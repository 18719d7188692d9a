/** Watches the room on the disk of the recordings. */
import { mkdir, statfs } from 'node:fs/promises';

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
  /** Default: all that is not free. */
  readonly usedBytes?: number;
}

export interface StorageGuard {
  /** Why nothing may be written now; undefined: there is room. */
  readonly blocked: string | undefined;
  /** Looks now, once at a time. */
  check(): Promise<void>;
  /** Looks at once by the new limits; the same again does nothing. */
  configure(limits: Pick<StorageLimits, 'blockPercent' | 'minFreeBytes' | 'checkMs'>): void;
  stop(): void;
}

/** Once blocked, so much more room (of the limit) must be there, lest it goes on and off with every file. */
const slackPercent = 0.5;
const slackFree = 1.05;

const defaultCheckMs = 5000;
/** Looking more often would be all that it does. */
const leastCheckMs = 20;

/** `onLook` is called after every look. */
export function startStorageGuard(folder: string, options: StorageLimits, onLook: () => void): StorageGuard {
  const look = options.statfs ?? roomOf;
  let { blockPercent, minFreeBytes, checkMs = defaultCheckMs } = options;
  let blocked: string | undefined;
  let looking: Promise<void> | undefined;
  const judge = async () => {
    try {
      blocked = judgeRoom(await look(folder), { blockPercent, minFreeBytes }, blocked !== undefined);
    } catch (error) {
      blocked = `The folder of the recordings cannot be used: ${error instanceof Error ? error.message : String(error)}`;
    }
    onLook();
  };
  const check = () => {
    // A disk that hangs is asked once, not once more with every look.
    looking ??= judge().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const lookRegularly = () => setInterval(() => void check(), Math.max(leastCheckMs, checkMs)).unref();
  let timer = lookRegularly();
  let isStopped = false;
  return {
    get blocked() {
      return blocked;
    },
    check,
    configure(limits) {
      const { checkMs: nextMs = defaultCheckMs } = limits;
      const isSame = limits.blockPercent === blockPercent && limits.minFreeBytes === minFreeBytes && nextMs === checkMs;
      if (isSame || isStopped) return;
      ({ blockPercent, minFreeBytes } = limits);
      checkMs = nextMs;
      clearInterval(timer);
      timer = lookRegularly();
      // A look that is under way may have judged by the limits of before.
      void (looking ?? Promise.resolve()).then(() => check());
    },
    stop() {
      isStopped = true;
      clearInterval(timer);
    },
  };
}

/** Why nothing may be written, in words; undefined when there is room. */
export function judgeRoom(room: DiskRoom, limits: Pick<StorageLimits, 'blockPercent' | 'minFreeBytes'>, wasBlocked: boolean): string | undefined {
  const used = room.usedBytes ?? room.totalBytes - room.freeBytes;
  // As `df` counts: what is kept for root belongs to neither.
  const percent = (used / Math.max(1, used + room.freeBytes)) * 100;
  const block = limits.blockPercent - (wasBlocked ? slackPercent : 0);
  const minFree = limits.minFreeBytes * (wasBlocked ? slackFree : 1);
  if (percent >= block) return `The disk is full to ${percent.toFixed(1)} %; nothing is recorded from ${limits.blockPercent} %`;
  if (room.freeBytes < minFree) return `${room.freeBytes} bytes are free on the disk; nothing is recorded below ${limits.minFreeBytes}`;
  return undefined;
}

async function roomOf(folder: string): Promise<DiskRoom> {
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const { blocks, bfree, bavail, bsize } = await statfs(folder);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, usedBytes: (blocks - bfree) * bsize };
}

/** One run of FFmpeg that makes every rendition; what is finished can be played while it goes on. */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeCommand, type LoudnessFacts, loudnessCommand, type Packager, parseLoudness, type VideoPlan } from '../../media/index.js';
import type { Attempt } from './attempt-parts.js';
import { DamageCount } from './damage.js';
import { commandText } from './failure.js';
import { runFfmpeg } from './ffmpeg-run.js';

/** A command that ran to its end. */
export interface FinishedRun {
  readonly command: readonly string[];
  /** What it said. */
  readonly lines: readonly string[];
  /** Of the source, as far as it was decoded here. */
  readonly damagedPictures: number;
}

/** Throws an error of the attempt when FFmpeg fails. */
export async function encodeWhole(attempt: Attempt, plan: VideoPlan, packager: Packager, input: string): Promise<FinishedRun> {
  const { parts, order, progress } = attempt;
  const loudness = await measureLoudness(attempt, plan, input);
  const keyInfoFile = await writeKey(attempt, plan);
  const command = encodeCommand(plan, { input, folder: order.staging_path, loudness, ...(keyInfoFile === undefined ? {} : { keyInfoFile }) });
  await tellCommand(attempt, command.args);
  const growing = grow(attempt, packager);
  try {
    const damage = new DamageCount();
    const lines = await runForAttempt(
      attempt,
      'the encode',
      command.args,
      (report) => progress.encoded(report),
      (line) => damage.saw(line),
    );
    return { command: [parts.machine.ffmpeg, ...command.args], lines, damagedPictures: damage.pictures };
  } finally {
    await growing.stop();
    if (keyInfoFile !== undefined) await rm(keyInfoFile, { force: true });
  }
}

/** Keeps a command in the history of the job, and in its log. */
export async function tellCommand({ parts, log, lease }: Attempt, args: readonly string[]): Promise<void> {
  const command = [parts.machine.ffmpeg, ...args];
  log.command(command);
  await lease.tell({ kind: 'command', command: commandText(command) });
}

/** A run on the account of the attempt, within its limits. */
export async function runForAttempt(
  { parts, order, lease, cost, log, alive }: Attempt,
  what: string,
  args: readonly string[],
  onProgress?: Parameters<typeof runFfmpeg>[0]['onProgress'],
  onLine?: (line: string) => void,
): Promise<readonly string[]> {
  const { lines } = await runFfmpeg({
    parts,
    args,
    limits: order.limits,
    signal: lease.signal,
    folder: order.staging_path,
    cost,
    what,
    onProgress: (report) => {
      alive();
      onProgress?.(report);
    },
    onLine: (line) => {
      onLine?.(line);
      if (/\[(?:warning|error|fatal|panic)\]/.test(line)) log.warning(line);
    },
  });
  return lines;
}

/** First of the two runs of EBU R128, for each track. */
export async function measureLoudness(attempt: Attempt, plan: VideoPlan, input: string): Promise<Map<number, LoudnessFacts>> {
  const found = new Map<number, LoudnessFacts>();
  if (!plan.loudness) return found;
  for (const { index } of plan.audio) {
    const lines = await runForAttempt(attempt, 'the measuring of loudness', loudnessCommand(plan, { input, index }).args);
    const facts = parseLoudness(lines.join('\n'));
    if (facts === undefined) attempt.log.warning(`track ${index} is too quiet or too short to be measured; it stays as loud as it is`);
    else found.set(index, facts);
  }
  return found;
}

/** A key of its own for each publication; the file that tells FFmpeg of it is deleted after the run. */
export async function writeKey({ order }: Attempt, plan: VideoPlan): Promise<string | undefined> {
  if (plan.encryption === 'none') return undefined;
  const key = join(order.staging_path, 'segments.key');
  const info = join(order.staging_path, '.key-info');
  await writeFile(key, randomBytes(16), { mode: 0o600 });
  await writeFile(info, `segments.key\n${key}\n${randomBytes(16).toString('hex')}\n`, { mode: 0o600 });
  return info;
}

const firstGrowMs = 250;

/** Keeps the playlists of what is finished up to date, and tells the hub of the first. */
function grow({ parts, lease, progress, log }: Attempt, packager: Packager): { stop(): Promise<void> } {
  const abort = new AbortController();
  let isTold = false;
  const run = async () => {
    while (!abort.signal.aborted) {
      const output = await packager.growing().catch((error: unknown) => {
        parts.log.debug({ err: error }, 'what is finished so far could not be packaged');
        return undefined;
      });
      if (output !== undefined) progress.playable(output);
      if (output !== undefined && !isTold) {
        isTold = (await lease.tell({ kind: 'playable', output })) !== undefined;
        if (isTold) log.info('the first segments can be played');
      }
      // Somebody may wait for the first; afterwards nobody sees a moment's difference.
      await delay(isTold ? parts.timing.growMs : Math.min(parts.timing.growMs, firstGrowMs), undefined, { signal: abort.signal }).catch(
        () => undefined,
      );
    }
  };
  const running = run();
  return {
    async stop() {
      abort.abort();
      await running;
    },
  };
}

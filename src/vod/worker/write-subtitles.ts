/** Text subtitles of the source as WebVTT files in the staging folder. */
import { subtitleArgs, type VideoPlan } from '../../media/index.js';
import type { Attempt } from './attempt-parts.js';
import { runForAttempt } from './encode-whole.js';

/** The plan with the tracks that are there now. One that cannot be read is left out and said so: the video is worth more. */
export async function writeSubtitles(attempt: Attempt, plan: VideoPlan, input: string): Promise<VideoPlan> {
  const { order, log, lease } = attempt;
  const args = subtitleArgs(plan, { input, folder: order.staging_path });
  if (args === undefined) return plan;
  try {
    await runForAttempt(attempt, 'the subtitles', args);
    return plan;
  } catch (error) {
    lease.signal.throwIfAborted();
    log.warning(`subtitles are left out: ${error instanceof Error ? error.message : String(error)}`);
    return { ...plan, subtitles: [] };
  }
}

/** From a source to a checked output in the staging folder. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceFacts, VideoOutput } from '../../contracts/index.js';
import {
  checkDecode,
  inspectSource,
  makePictures,
  noPictures,
  openPackager,
  type Packager,
  planVideo,
  type VideoPlan,
  withPictures,
} from '../../media/index.js';
import { allowedOutput, allowedSource } from './allowed-path.js';
import type { Attempt } from './attempt-parts.js';
import { runChunked, worthChunking } from './chunked.js';
import { damageWarnings } from './damage.js';
import { encodeWhole, type FinishedRun } from './encode-whole.js';
import { forGood, isUnsound } from './failure.js';
import { mediaRuns } from './media-runs.js';
import { openStaging } from './publication.js';
import { writeSubtitles } from './write-subtitles.js';

/** Throws when anything is not as it must be; the staging folder is then the caller's to delete. */
export async function makeVideo(attempt: Attempt): Promise<VideoOutput> {
  const { parts, order, lease, progress, alive } = attempt;
  const sourcePath = await allowedSource(order.source_path, parts.folders.sources);
  await allowedOutput(order.output_path, parts.folders.outputs);
  await allowedOutput(order.staging_path, parts.folders.outputs);
  await openStaging(order.staging_path, order.output_path);
  progress.phase('probing');
  const facts = await inspect(attempt, sourcePath);
  await lease.tell({ kind: 'facts', facts });
  progress.phase('planning');
  alive();
  return await makeOutput(attempt, sourcePath, facts);
}

/** What copied packets do to a result shows only in the result. When that is not sound, everything is encoded instead. */
async function makeOutput(attempt: Attempt, sourcePath: string, facts: SourceFacts): Promise<VideoOutput> {
  const { order, log, lease } = attempt;
  const encoded = await encode(attempt, sourcePath, facts);
  try {
    return await finish(attempt, encoded, facts);
  } catch (error) {
    const hasCopy = encoded.plan.renditions.some(({ encoder }) => encoder === 'copy');
    if (!hasCopy || !isUnsound(error) || lease.signal.aborted) throw forGood(error, encoded.run);
    log.warning(`what was passed through is not sound, now everything is encoded: ${error.message}`);
  }
  await clearStaging(attempt);
  const withoutCopy = { ...attempt, order: { ...order, profile: { ...order.profile, passthrough: false } } };
  const again = await encode(withoutCopy, sourcePath, facts);
  return await finish(withoutCopy, again, facts).catch((error: unknown) => {
    throw forGood(error, again.run);
  });
}

/** Playlists and pictures, then the check. */
async function finish(attempt: Attempt, { plan, packager, run }: Encoded, facts: SourceFacts): Promise<VideoOutput> {
  const { parts, order, lease, log, progress, alive } = attempt;
  progress.phase('packaging');
  alive();
  const packaged = await packager.finish(noPictures);
  const pictures = await makePictures({
    folder: order.staging_path,
    output: packaged,
    profile: order.profile,
    thumbnailTime: order.thumbnail_time,
    run: mediaRuns(attempt),
  });
  const output = await withPictures(order.staging_path, packaged, pictures);
  progress.phase('checking');
  alive();
  await checkDecode(order.staging_path, output, facts, {
    ffmpeg: parts.machine.ffmpeg,
    durationS: plan.durationS,
    signal: lease.signal,
    run: mediaRuns(attempt),
  });
  log.info(
    `checked: ${output.renditions.map((one) => one.name).join(', ')}, ${plan.durationS.toFixed(3)} s, ${plan.subtitles.length} subtitle tracks`,
  );
  const damage = damageWarnings(run.damagedPictures);
  // Whoever watches it shall know that the source was so already.
  if (damage.length > 0) await lease.tell({ kind: 'facts', facts: { ...facts, warnings: [...facts.warnings, ...damage] } });
  return output;
}

function inspect({ parts, order, lease }: Attempt, path: string): Promise<SourceFacts> {
  const { max_duration_s, max_pixels, max_streams } = order.limits;
  return inspectSource(path, {
    ffprobe: parts.machine.ffprobe,
    limits: { maxDurationS: max_duration_s, maxPixels: max_pixels, maxStreams: max_streams },
    sandbox: parts.sandbox,
    signal: lease.signal,
  });
}

async function clearStaging({ order }: Attempt): Promise<void> {
  await rm(order.staging_path, { recursive: true, force: true });
  await openStaging(order.staging_path, order.output_path);
}

interface Encoded {
  readonly plan: VideoPlan;
  readonly packager: Packager;
  /** What wrote the segments. */
  readonly run: FinishedRun;
}

/** A hardware encoder that fails in the middle of a video is no reason to give it up. */
async function encode(attempt: Attempt, sourcePath: string, facts: SourceFacts): Promise<Encoded> {
  const { parts, order, log, lease } = attempt;
  const wanted = { quality: order.quality, machine: parts.machine, thumbnailTime: order.thumbnail_time };
  const plan = planVideo(facts, order.profile, wanted);
  try {
    return await encodeBy(attempt, plan, sourcePath, facts);
  } catch (error) {
    const usesHardware = plan.renditions.some(({ encoder }) => parts.machine.encoders.some((one) => one.encoder === encoder && one.isHardware));
    if (!usesHardware || lease.signal.aborted) throw error;
    log.warning(`the hardware encoder failed, now without it: ${error instanceof Error ? error.message : String(error)}`);
    await clearStaging(attempt);
    return await encodeBy(attempt, planVideo(facts, order.profile, { ...wanted, software: true }), sourcePath, facts);
  }
}

async function encodeBy(attempt: Attempt, planned: VideoPlan, sourcePath: string, facts: SourceFacts): Promise<Encoded> {
  const { order, log, progress, lease } = attempt;
  for (const note of planned.notes) log.info(note);
  const plan = await writeSubtitles(attempt, planned, sourcePath);
  progress.planned(plan, facts.video);
  const packager = openPackager({
    folder: order.staging_path,
    plan,
    facts,
    profile: order.profile,
    revision: order.revision,
    signal: lease.signal,
  });
  progress.phase('encoding');
  const pieces = await worthChunking(attempt, plan, facts);
  const run = pieces.length > 1 ? await runChunked(attempt, plan, pieces, sourcePath) : await encodeWhole(attempt, plan, packager, sourcePath);
  await rm(join(order.staging_path, 'chunks'), { recursive: true, force: true });
  return { plan, packager, run };
}

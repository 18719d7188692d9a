/** `weir video ...`: upload, look, change, watch the work. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { parseWith, WeirError } from '../../contracts/errors.js';
import { type Job, tusPath, type Upload, type Video, type VideoDraft, videoDraftSchema } from '../../contracts/index.js';
import { answer } from './answer.js';
import { type Client, findHub } from './client.js';
import { type DownloadTarget, download } from './download.js';
import { useKnownContent } from './known-content.js';
import { allPages } from './pages.js';
import { showProgress } from './progress.js';
import { addOutputFlags } from './recording-file-commands.js';
import { sendUpload } from './send-upload.js';
import { formatFields, formatTable, isJson, type Terminal } from './terminal.js';
import { showUploads } from './upload-commands.js';
import { addVideoLinkCommands } from './video-link-commands.js';
import { formatBytes, formatDuration, formatTime, fullAddress, toNumber, toTime, words } from './words.js';

export interface DraftFlags {
  readonly title?: string;
  readonly description?: string;
  readonly tags?: string;
  readonly visibility?: string;
  readonly profile?: string;
  readonly quality?: string;
  readonly process: boolean;
  readonly priority?: string;
  readonly callback?: string;
  readonly thumbnail?: string;
  readonly deleteSource?: boolean;
  readonly replaces?: string;
}

interface UploadFlags extends DraftFlags {
  readonly path?: boolean;
  readonly fetch?: boolean;
  readonly resume?: string;
  readonly again?: boolean;
  readonly wait: boolean;
}

/** Between two looks at what a hub does. */
const lookMs = 700;

/** Adds them. */
export function addVideoCommands(program: Command, terminal: Terminal): void {
  const video = program.command('video').description('videos on demand: upload, encode, share');
  addUpload(video, terminal);
  addLooking(video, terminal);
  addChanging(video, terminal);
  addMaking(video, terminal);
  addVideoLinkCommands(video, terminal);
}

function addDraftFlags(command: Command): Command {
  return command
    .option('--title <text>', 'default: made from the file name')
    .option('--description <text>', 'what it is about')
    .option('--tags <words>', 'comma-separated')
    .option('--visibility <who>', 'private, link or public (default private)')
    .option('--profile <name>', 'how to encode it; `weir video profiles` lists them')
    .option('--quality <steps>', 'comma-separated steps of the ladder, for example 720p,480p')
    .option('--no-process', 'keep it, but do not encode it yet')
    .option('--priority <number>', '-50 to 50; higher comes first')
    .option('--callback <url>', 'is told when it is done or given up')
    .option('--thumbnail <time>', 'where the thumbnail is taken: seconds or hh:mm:ss')
    .option('--delete-source', 'delete the source after success')
    .option('--replaces <video>', 'becomes the new source of this video');
}

function draftOf(flags: DraftFlags): VideoDraft {
  const { title, description, visibility, profile, tags, quality, priority, callback, thumbnail, deleteSource, replaces } = flags;
  return parseWith(videoDraftSchema, {
    ...{ title, description, visibility, profile, replaces },
    tags: tags === undefined ? undefined : words(tags),
    quality: quality === undefined ? undefined : words(quality),
    priority: priority === undefined ? undefined : toNumber(priority, 'priority'),
    callback_url: callback,
    thumbnail_time: thumbnail,
    delete_source: deleteSource,
    process: flags.process ? undefined : false,
  });
}

function addUpload(video: Command, terminal: Terminal): void {
  addDraftFlags(video.command('upload <file>').description('send a file, and wait until it is encoded'))
    .option('--path', 'the file lies on the hub, in a folder of vod.source_folders')
    .option('--fetch', 'the hub fetches it: <file> is an http(s) address')
    .option('--resume <upload>', 'go on with an upload that was broken off (id as in `weir video uploads`)')
    .option('--again', 'make another video of content that is here already')
    .option('--no-wait', 'only send it')
    .addHelpText(
      'after',
      '\nExamples:\n  weir video upload holiday.mp4 --title "Holiday" --tags sea,2026\n  weir video upload big.mov --profile cmaf --no-wait\n  weir video upload https://cdn.example/talk.mp4 --fetch',
    )
    .action((file: string, options: UploadFlags, command: Command) =>
      answer(
        command,
        terminal,
        async (client) => {
          const sent = await send(client, file, options, { command, terminal });
          return options.wait && options.process
            ? await untilReady(client, sent, terminal)
            : await client.call('get_video', { params: { video_id: sent } });
        },
        showVideo,
      ),
    );
}

/** Resolves with the id of the video once all of it is there and looked at. */
async function send(client: Client, file: string, options: UploadFlags, at: { command: Command; terminal: Terminal }): Promise<string> {
  const draft = draftOf(options);
  if (options.path === true) return (await client.call('upload_path', { body: { path: file, draft }, timeoutMs: 120_000 })).video_id;
  if (options.fetch === true) return await checked(client, await client.call('upload_url', { body: { url: file, draft } }), at.terminal);
  if (options.resume === undefined && options.replaces === undefined) {
    const canAsk = !isJson(at.command) && process.stdin.isTTY === true && process.stderr.isTTY === true;
    const known = await useKnownContent(client, file, at.terminal, { draft, again: options.again === true, canAsk });
    if (known !== undefined) return known;
  }
  const hub = findHub(at.command, at.terminal);
  const progress = showProgress(at.terminal, `sending ${file}`);
  const startedAt = performance.now();
  let first: number | undefined;
  const resume = options.resume === undefined ? undefined : `${hub.url}${tusPath}/${encodeURIComponent(options.resume)}`;
  try {
    const uploadId = await sendUpload(hub, file, {
      draft,
      resume,
      onWaiting: (pauseMs, why) => at.terminal.err(`${why}; going on in ${formatDuration(pauseMs / 1000)}\n`),
      onProgress: (sent, size) => {
        first ??= sent;
        const rate = (sent - first) / Math.max(0.001, (performance.now() - startedAt) / 1000);
        const left = rate > 0 ? `, ${formatDuration((size - sent) / rate)} left` : '';
        progress.show(size === 0 ? 1 : sent / size, `${formatBytes(sent)} of ${formatBytes(size)}, ${formatBytes(rate)}/s${left}`);
      },
    });
    return await checked(client, await client.call('get_upload', { params: { upload_id: uploadId } }), at.terminal);
  } finally {
    progress.end();
  }
}

/** Waits until the hub has received and looked at what was sent. Throws its error when it is refused. */
async function checked(client: Client, upload: Upload, terminal: Terminal): Promise<string> {
  const progress = showProgress(terminal, 'looking at it');
  let now = upload;
  try {
    while (now.state === 'receiving' || now.state === 'paused' || now.state === 'checking') {
      const share = now.size_bytes === null ? undefined : now.received_bytes / Math.max(1, now.size_bytes);
      progress.show(now.state === 'checking' ? undefined : share, now.state === 'checking' ? '' : formatBytes(now.received_bytes));
      await delay(lookMs);
      now = await client.call('get_upload', { params: { upload_id: upload.upload_id } });
    }
  } finally {
    progress.end();
  }
  if (now.state === 'done') return now.video_id;
  throw new WeirError('unsupported', now.error?.detail ?? `The upload is ${now.state}`, now.error === null ? {} : { facts: { ...now.error } });
}

/** Follows the work until the video is ready; throws when it is given up. */
export async function untilReady(client: Client, videoId: string, terminal: Terminal): Promise<Video> {
  const progress = showProgress(terminal, 'encoding');
  try {
    for (;;) {
      const now = await client.call('get_video', { params: { video_id: videoId } });
      const job = now.job_id === null ? undefined : await client.call('get_job', { params: { job_id: now.job_id } });
      if (job === undefined) return now;
      if (job.state === 'done') return await client.call('get_video', { params: { video_id: videoId } });
      if (job.state === 'dead' || job.state === 'cancelled') {
        throw new WeirError(
          'failed_precondition',
          `The video was ${job.state === 'dead' ? 'given up' : 'cancelled'}: ${job.error?.detail ?? job.state}`,
          {
            hint: `weir job show ${job.job_id}`,
          },
        );
      }
      progress.show((now.progress ?? 0) / 100, workNote(job));
      await delay(lookMs);
    }
  } finally {
    progress.end();
  }
}

function workNote(job: Job): string {
  const { progress } = job;
  if (progress === null || job.state === 'queued') return job.position === null ? job.state : `waiting, number ${job.position} in the queue`;
  const eta = progress.eta_s === null ? '' : `, ${formatDuration(progress.eta_s)} left`;
  return `${progress.phase}, ${progress.fps.toFixed(0)} fps, ${progress.speed.toFixed(2)}x${eta}`;
}

interface ListFlags {
  readonly search?: string;
  readonly tag?: string;
  readonly state?: string;
  readonly trash?: boolean;
  readonly sort?: string;
  readonly limit: string;
}

function addLooking(video: Command, terminal: Terminal): void {
  video
    .command('list')
    .description('videos you may see, newest first')
    .option('--search <words>', 'in title, description and tags')
    .option('--tag <tag>', 'only with this tag')
    .option('--state <state>', 'uploading, uploaded, queued, processing, ready or failed')
    .option('--trash', 'those in the trash')
    .option('--sort <order>', 'newest, oldest, title, longest or largest')
    .option('-n, --limit <number>', 'at most so many', '100')
    .action(({ limit, trash, ...query }: ListFlags, command: Command) =>
      answer(
        command,
        terminal,
        (client) => allPages(client, 'list_videos', { ...query, ...(trash === true ? { trash } : {}) }, toNumber(limit, 'limit')),
        showVideos,
      ),
    );
  video
    .command('show <video>')
    .description('one video, with what it is made of; the beginning of its id is enough')
    .action((videoId: string, _options: unknown, command: Command) => answer(command, terminal, (client) => findVideo(client, videoId), showVideo));
  video
    .command('uploads')
    .description('uploads, newest first; unfinished ones can be resumed')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => allPages(client, 'list_uploads', {}, 100),
        (items) => showUploads(items),
      ),
    );
  video
    .command('profiles')
    .description('ways to encode')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_profiles'),
        ({ items, default: usual }) =>
          formatTable(
            ['PROFILE', 'CONTAINER', 'STEPS', 'TITLE'],
            items.map((one) => [
              one.name === usual ? `${one.name} *` : one.name,
              one.container,
              one.renditions.map((step) => step.name).join(', '),
              one.title,
            ]),
          ),
      ),
    );
  video
    .command('report <video>')
    .description('its playlists against the rules of the HLS authoring specification')
    .option('--all', 'also the rules that hold')
    .action((videoId: string, options: { all?: boolean }, command: Command) =>
      answer(
        command,
        terminal,
        async (client) => {
          const report = await client.call('video_report', { params: { video_id: videoId }, timeoutMs: 120_000 });
          if (!report.passed) terminal.exitCode = 1;
          return report;
        },
        ({ passed, rules }) => {
          const shown = rules.filter((rule) => options.all === true || rule.result === 'failed');
          const table = formatTable(
            ['RULE', 'LEVEL', 'RESULT', 'ABOUT'],
            shown.map((rule) => [rule.rule, rule.level, rule.result, rule.detail === undefined ? rule.about : `${rule.about}: ${rule.detail}`]),
          );
          const held = rules.filter((rule) => rule.result === 'passed').length;
          return `${shown.length === 0 ? '' : table}${passed ? 'every must holds' : 'not every must holds'} (${held} rules hold)\n`;
        },
      ),
    );
  addOutputFlags(video.command('get <video>').description('download the source as it came')).action(
    (videoId: string, options: DownloadTarget, command: Command) =>
      answer(
        command,
        terminal,
        (client) => download(client, 'video_source', { params: { video_id: videoId } }, options, terminal),
        ({ file, size }) => (file === null ? '' : `${file} (${formatBytes(size)})\n`),
      ),
  );
}

interface EditFlags {
  readonly title?: string;
  readonly description?: string;
  readonly tags?: string;
  readonly visibility?: string;
}

function addChanging(video: Command, terminal: Terminal): void {
  video
    .command('edit <video>')
    .description('change title, description, tags or visibility')
    .option('--title <text>')
    .option('--description <text>')
    .option('--tags <words>', 'comma-separated; replaces those it has')
    .option('--visibility <who>', 'private, link or public')
    .action((videoId: string, { tags, ...rest }: EditFlags, command: Command) => {
      const body = { ...rest, ...(tags === undefined ? {} : { tags: words(tags) }) };
      if (Object.keys(body).length === 0)
        throw new WeirError('invalid_argument', 'Say what to change', { field: 'title', hint: 'for example --title "A better one"' });
      return answer(command, terminal, (client) => client.call('update_video', { params: { video_id: videoId }, body }), showVideo);
    });
  video
    .command('poster <video>')
    .description('choose the thumbnail')
    .option('--at <seconds>', 'the picture at this time')
    .option('--candidate <file>', 'one of the candidates that `weir video show --json` names')
    .action((videoId: string, options: { at?: string; candidate?: string }, command: Command) => {
      const choose = async (client: Client) => {
        const body = posterOf(options) ?? (await failWithChoices(client, videoId));
        return client.call('set_poster', { params: { video_id: videoId }, body });
      };
      return answer(command, terminal, choose, showVideo);
    });
  video
    .command('delete <video>')
    .description('put into the trash')
    .option('--forever', 'with all its files, for good')
    .action((videoId: string, options: { forever?: boolean }, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('delete_video', { params: { video_id: videoId }, query: { forever: options.forever } }),
        ({ until }) =>
          until === null ? 'deleted for good\n' : `in the trash until ${formatTime(until)}; \`weir video restore ${videoId}\` takes it out\n`,
      ),
    );
  video
    .command('restore <video>')
    .description('take out of the trash')
    .action((videoId: string, _options: unknown, command: Command) =>
      answer(command, terminal, (client) => client.call('restore_video', { params: { video_id: videoId } }), showVideo),
    );
}

/** Undefined when nothing was chosen, or both. */
function posterOf({ at, candidate }: { at?: string; candidate?: string }): { at_s: number } | { candidate: string } | undefined {
  if (at !== undefined && candidate !== undefined) return undefined;
  if (at !== undefined) return { at_s: toNumber(at, 'at') };
  return candidate === undefined ? undefined : { candidate };
}

async function failWithChoices(client: Client, videoId: string): Promise<never> {
  const { output } = await client.call('get_video', { params: { video_id: videoId } });
  const candidates = (output?.posters ?? []).map(({ file, at_s }) => `--candidate ${file} (the picture at ${at_s.toFixed(1)} s)`);
  const time = output === null ? '--at SECONDS, once the video is ready' : `--at SECONDS, from 0 to ${output.duration_s.toFixed(1)}`;
  throw new WeirError('invalid_argument', 'Name one picture', { field: 'at', hint: [time, ...candidates].join(', or ') });
}

interface ProcessFlags {
  readonly profile?: string;
  readonly quality?: string;
  readonly priority?: string;
  readonly callback?: string;
  readonly wait: boolean;
}

interface RecordingFlags extends DraftFlags {
  readonly from: string;
  readonly to: string;
  readonly wait: boolean;
}

function addMaking(video: Command, terminal: Terminal): void {
  video
    .command('process <video>')
    .description('encode it (again); what there is stays until the new is in place')
    .option('--profile <name>')
    .option('--quality <steps>', 'comma-separated')
    .option('--priority <number>', '-50 to 50')
    .option('--callback <url>')
    .option('--no-wait', 'only queue it')
    .action((videoId: string, options: ProcessFlags, command: Command) => {
      const { profile, quality, priority, callback } = options;
      const body = {
        ...(profile === undefined ? {} : { profile }),
        ...(quality === undefined ? {} : { quality: words(quality) }),
        ...(priority === undefined ? {} : { priority: toNumber(priority, 'priority') }),
        ...(callback === undefined ? {} : { callback_url: callback }),
      };
      return answer(
        command,
        terminal,
        async (client) => {
          await client.call('process_video', { params: { video_id: videoId }, body });
          return options.wait ? await untilReady(client, videoId, terminal) : await client.call('get_video', { params: { video_id: videoId } });
        },
        showVideo,
      );
    });
  addDraftFlags(video.command('record <stream>').description('make a video of a recorded span'))
    .requiredOption('--from <time>', 'a time, or so long ago (2h, 1d)')
    .option('--to <time>', 'default: now', 'now')
    .option('--no-wait', 'only queue it')
    .addHelpText('after', '\nExample:\n  weir video record camera0 --from 10m --title "The delivery"')
    .action((streamId: string, options: RecordingFlags, command: Command) => {
      const body = { stream_id: streamId, from: toTime(options.from, 'from'), to: toTime(options.to, 'to'), draft: draftOf(options) };
      return answer(
        command,
        terminal,
        async (client) => {
          const made = await client.call('video_from_recording', { body, timeoutMs: 600_000 });
          return options.wait && options.process ? await untilReady(client, made.video_id, terminal) : made;
        },
        showVideo,
      );
    });
}

function showVideos(items: readonly Video[]): string {
  if (items.length === 0) return 'no videos; `weir video upload FILE` sends one\n';
  return formatTable(
    ['VIDEO', 'STATE', 'LENGTH', 'STEPS', 'SIZE', 'SEEN BY', 'CREATED', 'TITLE'],
    items.map((one) => [
      one.video_id,
      stateOf(one),
      lengthOf(one),
      one.output?.renditions.map((step) => step.name).join(' ') || '-',
      one.output === null ? '-' : formatBytes(one.output.size_bytes),
      one.visibility,
      formatTime(one.created_at),
      one.title,
    ]),
  );
}

function showVideo(one: Video, where: string): string {
  const { facts, output, source } = one;
  return formatFields({
    Video: one.video_id,
    Title: one.title,
    Description: one.description || undefined,
    Tags: one.tags.join(', ') || undefined,
    State: stateOf(one),
    Error: one.error ?? undefined,
    'Seen by': one.visibility,
    Owner: one.owner,
    Length: lengthOf(one),
    Source: source === null ? undefined : `${source.name}, ${formatBytes(source.size_bytes)}${source.kept ? '' : ', deleted'}`,
    Picture:
      facts?.video == null ? undefined : `${facts.video.codec} ${facts.video.width}x${facts.video.height}, ${facts.video.frame_rate.toFixed(2)} fps`,
    Warnings: facts?.warnings.join('; ') || undefined,
    Steps: output?.renditions.map((step) => `${step.name} (${(step.average_bandwidth / 1e6).toFixed(2)} Mbit/s)`).join(', '),
    Size: output === null ? undefined : formatBytes(output.size_bytes),
    Play: one.playback_url === null ? undefined : fullAddress(one.playback_url, where),
    Watch: fullAddress(one.watch_url, where),
    Created: formatTime(one.created_at),
  });
}

function lengthOf(one: Video): string {
  const seconds = one.output?.duration_s ?? one.facts?.duration_s;
  if (seconds === undefined) return '-';
  return seconds > 0 && seconds < 1 ? `${seconds.toFixed(2)} s` : formatDuration(seconds);
}

/** What is ready stays so while it is encoded anew. */
function stateOf({ state, progress }: Video): string {
  if (progress === null || (state === 'queued' && progress === 0)) return state;
  const percent = `${progress.toFixed(0)} %`;
  if (state !== 'ready') return `${state} ${percent}`;
  return progress === 0 ? 'ready, waits to be encoded anew' : `ready, encoded anew ${percent}`;
}

const fewestLetters = 4;
const mostLookedAt = 2000;

/** By its id, or by a beginning that no other one has. Throws `not_found`, and `invalid_argument` when several begin so. */
async function findVideo(client: Client, given: string): Promise<Video> {
  try {
    return await client.call('get_video', { params: { video_id: given } });
  } catch (thrown) {
    if (WeirError.from(thrown).code !== 'not_found' || given.length < fewestLetters) throw thrown;
    const found = (await allPages(client, 'list_videos', {}, mostLookedAt)).filter((one) => one.video_id.startsWith(given));
    const [first, second] = found;
    if (first === undefined) throw thrown;
    if (second === undefined) return first;
    throw new WeirError('invalid_argument', `${found.length} videos begin with ${given}`, {
      field: 'video',
      received: given,
      hint: `for example ${first.video_id} and ${second.video_id}`,
    });
  }
}

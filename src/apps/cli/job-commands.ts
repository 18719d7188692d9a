/** `weir job ...`: the queue of videos, its dead letters and callbacks. */
import type { Command } from 'commander';
import type { Callback, DeadLetter, Job, JobEvent, RouteAnswer, VideoQueue } from '../../contracts/index.js';
import { answer } from './answer.js';
import { allPages } from './pages.js';
import { formatFields, formatTable, type Terminal } from './terminal.js';
import { formatBytes, formatDuration, formatTime, toNumber } from './words.js';

/** Adds them. */
export function addJobCommands(program: Command, terminal: Terminal): void {
  const job = program.command('job').description('work on videos: the queue, its dead letters and callbacks');
  addJobs(job, terminal);
  addQueue(job, terminal);
  addDeadLetters(job, terminal);
  addCallbacks(job, terminal);
}

function addJobs(job: Command, terminal: Terminal): void {
  job
    .command('list')
    .description('jobs, newest first')
    .option('--active', 'only those that wait or run, in the order they will start')
    .option('--state <state>', 'queued, running, publishing, retrying, done, dead or cancelled')
    .option('--video <id>', 'only of this video')
    .option('-n, --limit <number>', 'at most so many', '50')
    .action(({ limit, video, ...query }: { active?: boolean; state?: string; video?: string; limit: string }, command: Command) =>
      answer(command, terminal, (client) => allPages(client, 'list_jobs', { ...query, video_id: video }, toNumber(limit, 'limit')), showJobs),
    );
  job
    .command('show <job>')
    .description('one job with its history')
    .action((jobId: string, _options: unknown, command: Command) =>
      answer(command, terminal, (client) => client.call('get_job', { params: { job_id: jobId } }), showJob),
    );
  job
    .command('log <job>')
    .description('newest lines of its log')
    .option('-n, --limit <number>', 'at most so many', '500')
    .action((jobId: string, options: { limit: string }, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('job_log', { params: { job_id: jobId }, query: { limit: toNumber(options.limit, 'limit') } }),
        ({ items }) => items.map((line) => `${formatTime(line.timestamp)}  ${line.level.padEnd(7)}  ${line.message}\n`).join(''),
      ),
    );
  const actions = [
    ['cancel', 'stop it and clean up', 'cancel_job'],
    ['retry', 'queue a failed or cancelled job again', 'retry_job'],
  ] as const;
  for (const [name, description, route] of actions) {
    job
      .command(`${name} <job>`)
      .description(description)
      .action((jobId: string, _options: unknown, command: Command) =>
        answer(
          command,
          terminal,
          (client) => client.call(route, { params: { job_id: jobId } }),
          (now) => `${now.job_id} is ${now.state}\n`,
        ),
      );
  }
  job
    .command('priority <job> <number>')
    .description('-50 to 50; higher comes first')
    .action((jobId: string, priority: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('update_job', { params: { job_id: jobId }, body: { priority: toNumber(priority, 'priority') } }),
        (now) => `${now.job_id} has priority ${now.priority}\n`,
      ),
    );
}

function addQueue(job: Command, terminal: Terminal): void {
  const queue = job.command('queue').description('depth, speed, cost and workers');
  const actions = [
    ['show', 'how the queue is', 'get_queue'],
    ['pause', 'start nothing new; what runs goes on', 'pause_queue'],
    ['resume', 'start jobs again', 'resume_queue'],
  ] as const;
  for (const [name, description, route] of actions) {
    queue
      .command(name, name === 'show' ? { isDefault: true } : {})
      .description(description)
      .action((_options: unknown, command: Command) => answer(command, terminal, (client) => client.call(route), showQueue));
  }
}

function addDeadLetters(job: Command, terminal: Terminal): void {
  const dead = job.command('dead').description('what was given up');
  dead
    .command('list', { isDefault: true })
    .description('newest first')
    .action((_options: unknown, command: Command) => answer(command, terminal, (client) => allPages(client, 'list_dead_letters', {}, 200), showDead));
  dead
    .command('replay <letter>')
    .description('queue it again')
    .action((letterId: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('replay_dead_letter', { params: { dead_letter_id: letterId } }),
        (made) => `queued as ${made.job_id}\n`,
      ),
    );
  dead
    .command('delete <letter>')
    .description('forget it')
    .action((letterId: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('delete_dead_letter', { params: { dead_letter_id: letterId } }),
        () => 'forgotten\n',
      ),
    );
}

function addCallbacks(job: Command, terminal: Terminal): void {
  const callback = job.command('callback').description('deliveries to callback addresses');
  callback
    .command('list', { isDefault: true })
    .description('newest first')
    .option('--state <state>', 'waiting, delivered, failed or disabled')
    .action((options: { state?: string }, command: Command) =>
      answer(command, terminal, (client) => allPages(client, 'list_callbacks', { state: options.state }, 200), showCallbacks),
    );
  callback
    .command('replay <callback>')
    .description('deliver it again now')
    .action((callbackId: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('replay_callback', { params: { callback_id: callbackId } }),
        (now) => `${now.callback_id} is ${now.state}\n`,
      ),
    );
  callback
    .command('secret')
    .description('what the receiver checks signatures with')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('callback_secret'),
        ({ secret }) => `${secret}\n`,
      ),
    );
}

function showJobs(items: readonly Job[]): string {
  if (items.length === 0) return 'no jobs\n';
  return formatTable(
    ['JOB', 'VIDEO', 'STATE', 'PROGRESS', 'ATTEMPT', 'PRIORITY', 'PROFILE', 'OWNER', 'WORKER', 'QUEUED'],
    items.map((one) => [
      one.job_id,
      one.video_id,
      one.position === null ? one.state : `${one.state} (${one.position})`,
      one.progress === null ? '-' : `${one.progress.percent.toFixed(0)} %`,
      `${one.attempt}/${one.max_attempts}`,
      String(one.priority),
      one.profile,
      one.owner || '-',
      one.worker_id ?? '-',
      formatTime(one.queued_at),
    ]),
  );
}

function showJob(one: RouteAnswer<'get_job'>): string {
  const { progress, cost, error } = one;
  const fields = formatFields({
    Job: one.job_id,
    Video: one.video_id,
    State: one.state,
    Attempt: `${one.attempt} of ${one.max_attempts}`,
    Profile: one.profile,
    Priority: String(one.priority),
    Worker: one.worker_id ?? undefined,
    Progress: progress === null ? undefined : `${progress.percent.toFixed(1)} %, ${progress.phase}, ${progress.speed.toFixed(2)}x`,
    Left: progress?.eta_s == null ? undefined : formatDuration(progress.eta_s),
    Cost: cost === null ? undefined : `${cost.cpu_s.toFixed(1)} s of processor time in ${cost.wall_s.toFixed(1)} s`,
    Error: error === null ? undefined : `${error.reason}: ${error.detail}`,
    'Next attempt': one.not_before === null ? undefined : formatTime(one.not_before),
  });
  const commands = one.commands.length === 0 ? '' : `\n${one.commands.map((line) => `$ ${line.replace(/^\$ /, '')}\n`).join('')}`;
  const stderr = error === null || error.stderr.length === 0 ? '' : `\n${error.stderr.map((line) => `  ${line}\n`).join('')}`;
  return `${fields}\n${one.events.map(eventLine).join('')}${commands}${stderr}`;
}

function eventLine(event: JobEvent): string {
  const who = event.worker_id === null ? '' : ` by ${event.worker_id}`;
  return `${formatTime(event.at)}  ${event.kind}${who}${event.detail === null ? '' : `: ${event.detail}`}\n`;
}

function showQueue(queue: VideoQueue): string {
  const failures = Object.entries(queue.failures)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
  const fields = formatFields({
    State: queue.state,
    Waiting: String(queue.queued),
    Running: String(queue.running),
    'To be retried': String(queue.retrying),
    'Dead letters': String(queue.dead_letters),
    'Oldest waits': queue.oldest_wait_s === null ? undefined : formatDuration(queue.oldest_wait_s),
    'Usual wait': queue.wait_p50_s === null ? undefined : formatDuration(queue.wait_p50_s),
    'Usual speed': queue.speed_p50 === null ? undefined : `${queue.speed_p50.toFixed(2)}x`,
    'Failures (24 h)': failures || undefined,
    'Processor (24 h)': formatDuration(queue.cpu_s_24h),
    'Made (24 h)': formatBytes(queue.bytes_24h),
  });
  if (queue.workers.length === 0) return `${fields}\nno workers; \`weir up\` runs one, \`weir vod-worker\` another elsewhere\n`;
  const workers = formatTable(
    ['WORKER', 'STATE', 'JOBS', 'SLOTS', 'CPU', 'MEMORY', 'HOST', 'ENCODERS'],
    queue.workers.map((one) => [
      one.worker_id,
      one.state,
      one.jobs.join(', ') || '-',
      String(one.slots),
      one.cpu_percent === null ? '-' : `${one.cpu_percent.toFixed(0)} %`,
      one.rss_bytes === null ? '-' : formatBytes(one.rss_bytes),
      one.host,
      one.encoders.join(', '),
    ]),
  );
  return `${fields}\n${workers}`;
}

function showDead(items: readonly DeadLetter[]): string {
  if (items.length === 0) return 'no dead letters\n';
  return formatTable(
    ['LETTER', 'VIDEO', 'REASON', 'ATTEMPTS', 'AT', 'REPLAYED', 'DETAIL'],
    items.map((one) => [
      one.dead_letter_id,
      one.video_id ?? '-',
      one.reason,
      String(one.attempts),
      formatTime(one.at),
      formatTime(one.replayed_at),
      one.detail.slice(0, 120),
    ]),
  );
}

function showCallbacks(items: readonly Callback[]): string {
  if (items.length === 0) return 'no callbacks\n';
  return formatTable(
    ['CALLBACK', 'EVENT', 'STATE', 'ATTEMPTS', 'LAST', 'NEXT', 'ADDRESS'],
    items.map((one) => [
      one.callback_id,
      one.event,
      one.state,
      String(one.attempts),
      one.last_error ?? (one.last_status === null ? '-' : String(one.last_status)),
      formatTime(one.next_at),
      one.url,
    ]),
  );
}

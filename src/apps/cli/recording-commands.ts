/** `weir recording ...`: what is recorded now, by which plan, and what of it is there. */
import type { Command } from 'commander';
import { parseWith, WeirError } from '../../contracts/errors.js';
import { type Coverage, type Recording, type RecordingPolicy, recordingPolicySchema, startRecordingSchema, weekdays } from '../../contracts/index.js';
import { answer } from './answer.js';
import type { Client } from './client.js';
import { addRecordingFileCommands } from './recording-file-commands.js';
import { formatFields, formatTable, type Terminal } from './terminal.js';
import { formatBytes, formatDuration, formatTime, toNumber, toSeconds, toTime } from './words.js';

interface SegmentFlags {
  readonly format?: string;
  readonly segment?: string;
  readonly segmentBytes?: string;
}

interface StartFlags extends SegmentFlags {
  readonly duration?: string;
  readonly preRoll?: string;
}

interface PolicyFlags extends SegmentFlags {
  readonly mode?: string;
  readonly window?: string[];
  readonly timeZone?: string;
  readonly maxAgeDays?: string;
}

const ofStream = (stream_id: string) => ({ params: { stream_id } });

/** Adds them. */
export function addRecordingCommands(program: Command, terminal: Terminal): void {
  const recording = program.command('recording').description('record streams, and look at what was recorded');
  addOrders(recording, terminal);
  addReports(recording, terminal);
  addPolicy(recording, terminal);
  addRecordingFileCommands(recording, terminal);
}

function addSegmentFlags(command: Command): Command {
  return command
    .option('--format <format>', 'fmp4, mp4 or mkv')
    .option('--segment <time>', 'a new file after so long, for example 10m')
    .option('--segment-bytes <number>', 'or after so many bytes');
}

function addOrders(recording: Command, terminal: Terminal): void {
  addSegmentFlags(recording.command('start <stream>').description('start to record; starts the stream when it does not run'))
    .option('--duration <time>', 'stop by itself after so long: seconds, or 10m, 2h')
    .option('--pre-roll <time>', 'put so much from memory before the begin; default: none with --duration, else as configured')
    .addHelpText('after', '\nExamples:\n  weir recording start camera0\n  weir recording start camera0 --duration 30m --format mp4')
    .action((id: string, options: StartFlags, command: Command) => {
      const body = parseWith(startRecordingSchema, {
        ...(options.duration === undefined ? {} : { duration_s: toSeconds(options.duration, 'duration') }),
        ...(options.preRoll === undefined ? {} : { pre_roll_s: toSeconds(options.preRoll, 'pre-roll') }),
        ...segmentFields(options),
      });
      return answer(
        command,
        terminal,
        (client) => client.call('start_recording', { ...ofStream(id), body }),
        (made) => `${id}: ${describeState(made)}${made.until === null ? '' : `, until ${formatTime(made.until)}`}\n`,
      );
    });
  recording
    .command('stop <stream>')
    .description('stop, and tell what was recorded')
    .action((id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('stop_recording', ofStream(id)),
        (made) =>
          `${id}: ${describeState(made)}; ${formatDuration(made.elapsed_s)}, ${formatBytes(made.size_bytes)} in ${made.segments} ${made.segments === 1 ? 'file' : 'files'}\n`,
      ),
    );
}

function addReports(recording: Command, terminal: Terminal): void {
  recording
    .command('show <stream>')
    .description('what is recorded of a stream right now, and by which plan')
    .action((id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('get_recording', ofStream(id)),
        ({ recording: now, policy }) => `${now === null ? `${id} is not recorded now\n` : showRecording(now)}plan: ${describePolicy(policy)}\n`,
      ),
    );
  recording
    .command('list')
    .description('recordings, newest first, running ones included')
    .option('--stream <id>', 'only of this stream')
    .option('-n, --limit <number>', 'at most so many', '50')
    .action((options: { stream?: string; limit: string }, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_recordings', { query: { stream_id: options.stream, limit: toNumber(options.limit, 'limit') } }),
        ({ items, total }) => showRecordings(items, total),
      ),
    );
  recording
    .command('coverage <stream>')
    .description('which time is recorded, which is missing and why (default: the last 24 hours)')
    .option('--from <time>', 'begin: a time, or so long ago (2h, 1d)', '24h')
    .option('--to <time>', 'end', 'now')
    .option('--all', 'every span, and not only what is missing')
    .addHelpText(
      'after',
      '\nExamples:\n  weir recording coverage camera0\n  weir recording coverage camera0 --from "2026-05-01 08:00" --to "2026-05-01 18:00" --all',
    )
    .action((id: string, options: { from: string; to: string; all?: boolean }, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('coverage', { ...ofStream(id), query: { from: toTime(options.from, 'from'), to: toTime(options.to, 'to') } }),
        (coverage) => showCoverage(coverage, options.all === true),
      ),
    );
}

function addPolicy(recording: Command, terminal: Terminal): void {
  addSegmentFlags(recording.command('policy <stream>').description('show, or with flags change, when a stream is recorded by itself'))
    .option('--mode <mode>', 'off, always or schedule')
    .option('--window <days times...>', 'for a schedule: "mon-fri 08:00-18:00", "sat,sun 22:00-06:00" (past midnight)')
    .option('--time-zone <name>', 'of the schedule, for example Europe/Vienna (default: that of the hub)')
    .option('--max-age-days <number>', 'keep for so long instead of the general time; "default": the general time')
    .addHelpText(
      'after',
      '\nExamples:\n  weir recording policy camera0\n  weir recording policy camera0 --mode always\n  weir recording policy camera0 --mode schedule --window "mon-fri 08:00-18:00" "sat 10:00-14:00"',
    )
    .action((id: string, options: PolicyFlags, command: Command) =>
      answer(
        command,
        terminal,
        (client) => changePolicy(client, id, options),
        (policy) => `${id}: ${describePolicy(policy)}\n`,
      ),
    );
}

/** The API replaces a policy whole, so what is not given is taken from the present one. */
async function changePolicy(client: Client, id: string, flags: PolicyFlags): Promise<RecordingPolicy> {
  const { policy } = await client.call('get_recording', ofStream(id));
  const windows = flags.window?.map(toWindow);
  const maxAge = flags.maxAgeDays === 'default' ? null : flags.maxAgeDays === undefined ? undefined : toNumber(flags.maxAgeDays, 'max-age-days');
  const changes = {
    ...(flags.mode === undefined ? {} : { mode: flags.mode }),
    ...(windows === undefined ? {} : { windows, ...(flags.mode === undefined ? { mode: 'schedule' } : {}) }),
    ...(flags.timeZone === undefined ? {} : { time_zone: flags.timeZone }),
    ...(maxAge === undefined ? {} : { max_age_days: maxAge }),
    ...segmentFields(flags),
  };
  if (Object.keys(changes).length === 0) return policy;
  return client.call('set_recording_policy', { ...ofStream(id), body: parseWith(recordingPolicySchema, { ...policy, ...changes }) });
}

function segmentFields({ format, segment, segmentBytes }: SegmentFlags): Record<string, unknown> {
  return {
    ...(format === undefined ? {} : { format }),
    ...(segment === undefined ? {} : { segment_s: toSeconds(segment, 'segment') }),
    ...(segmentBytes === undefined ? {} : { segment_bytes: toNumber(segmentBytes, 'segment-bytes') }),
  };
}

type Weekday = (typeof weekdays)[number];

/** `mon-fri 08:00-18:00` */
export function toWindow(text: string): { days: Weekday[]; from: string; to: string } {
  const [, days = '', from = '', to = ''] = /^(\S+)\s+(\d\d:\d\d)-(\d\d:\d\d)$/.exec(text.trim().toLowerCase()) ?? [];
  const list = days === 'daily' ? [...weekdays] : days.split(',').flatMap((part) => daysOf(part, text));
  if (to === '') throw badWindow(text);
  return { days: [...new Set(list)], from, to };
}

function daysOf(part: string, text: string): Weekday[] {
  const [first, last = first] = part.split('-').map((day) => weekdays.indexOf(day as Weekday));
  if (first === undefined || last === undefined || first < 0 || last < 0) throw badWindow(text);
  // A week is a ring: fri-mon is four days.
  const count = ((last - first + weekdays.length) % weekdays.length) + 1;
  return Array.from({ length: count }, (_, index) => weekdays[(first + index) % weekdays.length]).filter((day) => day !== undefined);
}

function badWindow(text: string): WeirError {
  return new WeirError('invalid_argument', 'write days and times like "mon-fri 08:00-18:00", "sat,sun 22:00-06:00" or "daily 00:00-24:00"', {
    field: 'window',
    received: text,
  });
}

function describeState({ state, cause, error }: Recording): string {
  const why = [cause?.replaceAll('_', ' '), error].filter((part) => part !== null && part !== undefined);
  return why.length === 0 ? state : `${state} (${why.join(': ')})`;
}

function describePolicy(policy: RecordingPolicy): string {
  const windows = (policy.windows ?? []).map(({ days, from, to }) => `${days.join(',')} ${from}-${to}`).join('; ');
  const parts = [
    { off: 'only when told', always: 'always', schedule: `by schedule: ${windows === '' ? 'no window' : windows}` }[policy.mode],
    policy.time_zone,
    policy.format,
    policy.max_age_days == null ? undefined : `kept ${policy.max_age_days} days`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

function showRecording(now: Recording): string {
  return formatFields({
    stream: now.stream_id,
    state: describeState(now),
    origin: now.origin,
    file: now.filename ?? undefined,
    since: formatTime(now.started_at),
    until: now.until === null ? undefined : formatTime(now.until),
    recorded: `${formatDuration(now.elapsed_s)}, ${formatBytes(now.size_bytes)}, ${now.segments} finished files`,
    by: now.requested_by,
  });
}

function showRecordings(items: readonly Recording[], total: number): string {
  if (items.length === 0) return 'no recordings; start one with `weir recording start STREAM`\n';
  const table = formatTable(
    ['STREAM', 'STATE', 'BEGAN', 'ENDED', 'LENGTH', 'SIZE', 'FILES', 'ORIGIN'],
    items.map((one) => [
      one.stream_id,
      describeState(one),
      formatTime(one.started_at),
      formatTime(one.ended_at),
      formatDuration(one.elapsed_s),
      formatBytes(one.size_bytes),
      String(one.segments),
      one.origin,
    ]),
  );
  return total > items.length ? `${table}${items.length} of ${total}; more with --limit\n` : table;
}

function showCoverage(coverage: Coverage, all: boolean): string {
  const head = `${coverage.stream_id}: ${coverage.complete_percent.toFixed(2)} % of what was wanted; ${formatDuration(coverage.present_s)} present, ${formatDuration(coverage.missing_s)} missing\n`;
  const shown = coverage.spans.filter((span) => all || span.state === 'missing');
  if (shown.length === 0) return head;
  return `${head}\n${formatTable(
    ['FROM', 'TO', 'LENGTH', 'STATE', 'WHY'],
    shown.map((span) => [
      formatTime(span.from),
      formatTime(span.to),
      formatDuration((Date.parse(span.to) - Date.parse(span.from)) / 1000),
      span.state,
      [span.cause?.replaceAll('_', ' '), span.detail].filter((part) => part !== undefined).join(': ') || (span.filename ?? '-'),
    ]),
  )}`;
}

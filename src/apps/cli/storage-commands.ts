/** `weir storage ...`: room, what is kept, what is cleaned up. */
import type { Command } from 'commander';
import { parseWith } from '../../contracts/errors.js';
import { type RetentionPolicy, retentionPolicySchema, type Storage } from '../../contracts/index.js';
import { answer } from './answer.js';
import type { Client } from './client.js';
import { formatFields, formatTable, type Terminal } from './terminal.js';
import { formatBytes, formatTime, toNumber } from './words.js';

interface RetentionFlags {
  readonly type?: string;
  readonly maxAgeDays?: string;
  readonly maxSizeGb?: string;
  readonly enable?: boolean;
  readonly disable?: boolean;
}

/** Adds them. */
export function addStorageCommands(program: Command, terminal: Terminal): void {
  const storage = program.command('storage').description('room for recordings and snapshots');
  storage
    .command('show')
    .description('room, use, and when it will be full')
    .action((_options: unknown, command: Command) => answer(command, terminal, (client) => client.call('get_storage'), showStorage));
  storage
    .command('retention')
    .description('show, or with flags change, what is kept')
    .option('--type <type>', 'age, size, or manual: nothing is deleted by itself')
    .option('--max-age-days <number>', 'keep for so many days')
    .option('--max-size-gb <number>', 'keep at most so much')
    .option('--enable', 'apply it')
    .option('--disable', 'do not apply it')
    .addHelpText(
      'after',
      '\nExamples:\n  weir storage retention\n  weir storage retention --type age --max-age-days 14\n  weir storage retention --type size --max-size-gb 500',
    )
    .action((options: RetentionFlags, command: Command) =>
      answer(
        command,
        terminal,
        (client) => changeRetention(client, options),
        (policy) => `${describeRetention(policy)}\n`,
      ),
    );
  storage
    .command('cleanup')
    .description('apply what is to be kept now')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('cleanup_storage', { timeoutMs: 300_000 }),
        (result) => `${result.message}; ${result.files_deleted} files deleted, ${formatBytes(result.space_freed)} freed\n`,
      ),
    );
}

/** The API replaces the policy whole, so what is not given is taken from the present one. */
async function changeRetention(client: Client, flags: RetentionFlags): Promise<RetentionPolicy> {
  const { retention } = await client.call('get_storage');
  const changes = {
    ...(flags.type === undefined ? {} : { policy_type: flags.type }),
    ...(flags.maxAgeDays === undefined ? {} : { max_age_days: toNumber(flags.maxAgeDays, 'max-age-days') }),
    ...(flags.maxSizeGb === undefined ? {} : { max_size_gb: toNumber(flags.maxSizeGb, 'max-size-gb') }),
    ...(flags.disable === true ? { enabled: false } : flags.enable === true ? { enabled: true } : {}),
  };
  if (Object.keys(changes).length === 0) return retention;
  return client.call('set_retention', { body: parseWith(retentionPolicySchema, { ...retention, ...changes }) });
}

function describeRetention({ policy_type, enabled, max_age_days, max_size_gb }: RetentionPolicy): string {
  if (!enabled) return 'nothing is deleted by itself (disabled)';
  switch (policy_type) {
    case 'manual':
      return 'nothing is deleted by itself';
    case 'age':
      return `deleted after ${max_age_days ?? '?'} days; the oldest before that when the disk is nearly full`;
    case 'size':
      return `the oldest are deleted beyond ${max_size_gb ?? '?'} GB, or when the disk is nearly full`;
  }
}

/** A rate that was seen for minutes says little about a day. */
function isRateKnown({ observed_s }: Storage): boolean {
  return observed_s === undefined || observed_s >= 3600;
}

function describeFull({ full_in_days, retention }: Storage): string {
  if (full_in_days === null) return 'never at this rate';
  const then = retention.enabled && retention.policy_type !== 'manual' ? 'from then on the oldest go first' : 'then recording is blocked';
  return `in ${full_in_days.toFixed(1)} days at this rate; ${then}`;
}

function showStorage(now: Storage): string {
  const fields = formatFields({
    folder: now.path ?? undefined,
    state:
      now.state === 'blocked'
        ? 'blocked: nothing new is recorded until there is room'
        : now.state === 'warning'
          ? `warning: more than ${now.warn_percent} % used`
          : 'ok',
    disk: `${formatBytes(now.used_space)} of ${formatBytes(now.total_space)} used (${now.usage_percentage.toFixed(1)} %), ${formatBytes(now.available_space)} free`,
    recordings: formatBytes(now.recordings_size),
    snapshots: formatBytes(now.snapshots_size),
    exports: formatBytes(now.exports_size),
    oldest: formatTime(now.oldest_at),
    rate: isRateKnown(now) ? `${formatBytes(now.bytes_per_day)} a day` : 'not known yet: it was recorded for less than an hour',
    full: isRateKnown(now) ? describeFull(now) : undefined,
    limits: `warning from ${now.warn_percent} %, blocked from ${now.block_percent} %`,
    retention: describeRetention(now.retention),
  });
  if (now.streams.length === 0) return fields;
  return `${fields}\n${formatTable(
    ['STREAM', 'SIZE', 'FILES', 'A DAY', 'OLDEST'],
    now.streams.map((one) => [one.stream_id, formatBytes(one.size), String(one.segments), formatBytes(one.bytes_per_day), formatTime(one.oldest_at)]),
  )}`;
}

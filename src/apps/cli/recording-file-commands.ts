/** `weir recording files|get|export|protect|delete`: the files of recordings. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { parseWith, WeirError } from '../../contracts/errors.js';
import { createExportSchema, type Export, type Segment } from '../../contracts/index.js';
import { answer } from './answer.js';
import type { Client } from './client.js';
import { type DownloadTarget, download } from './download.js';
import { showProgress } from './progress.js';
import { formatTable, type Terminal } from './terminal.js';
import { formatBytes, formatDuration, formatTime, toNumber, toTime } from './words.js';

interface FilesFlags {
  readonly stream?: string;
  readonly from?: string;
  readonly to?: string;
  readonly protected?: boolean;
  readonly limit: string;
}

interface ExportFlags extends DownloadTarget {
  readonly from: string;
  readonly to: string;
  readonly name?: string;
  readonly wait: boolean;
}

/** Between two looks at an export. */
const lookMs = 500;

/** Adds them below `weir recording`. */
export function addRecordingFileCommands(recording: Command, terminal: Terminal): void {
  addFiles(recording, terminal);
  addExport(recording, terminal);
  addKeeping(recording, terminal);
}

/** `--output` and `--force`, for commands that fetch a file. */
export function addOutputFlags(command: Command): Command {
  return command
    .option('-o, --output <file>', 'file or folder to write to; "-": standard output')
    .option('--force', 'write over a file that is there');
}

function addFiles(recording: Command, terminal: Terminal): void {
  recording
    .command('files')
    .description('finished files, newest first')
    .option('--stream <id>', 'only of this stream')
    .option('--from <time>', 'only those that end after: a time, or so long ago (2h, 1d)')
    .option('--to <time>', 'only those that begin before')
    .option('--protected', 'only those that retention leaves alone')
    .option('-n, --limit <number>', 'at most so many', '50')
    .addHelpText('after', '\nExamples:\n  weir recording files --stream camera0 --from 2h\n  weir recording files --protected --json')
    .action((options: FilesFlags, command: Command) => {
      const query = {
        stream_id: options.stream,
        from: options.from === undefined ? undefined : toTime(options.from, 'from'),
        to: options.to === undefined ? undefined : toTime(options.to, 'to'),
        protected: options.protected,
        limit: toNumber(options.limit, 'limit'),
      };
      return answer(
        command,
        terminal,
        (client) => client.call('list_segments', { query }),
        ({ items, total }) => showFiles(items, total),
      );
    });
  addOutputFlags(recording.command('get <file>').description('download a file of a recording'))
    .addHelpText(
      'after',
      '\nExamples:\n  weir recording get camera0_2026-05-01_14-00-00 -o /tmp\n  weir recording get camera0_2026-05-01_14-00-00 -o - | ffplay -',
    )
    .action((filename: string, options: DownloadTarget, command: Command) =>
      answer(
        command,
        terminal,
        (client) => download(client, 'recording_file', { params: { filename } }, options, terminal),
        ({ file, size }) => (file === null ? '' : `${file} (${formatBytes(size)})\n`),
      ),
    );
}

function addExport(recording: Command, terminal: Terminal): void {
  addOutputFlags(recording.command('export <stream>').description('make one MP4 of a span, without encoding it again, and fetch it'))
    .requiredOption('--from <time>', 'begin: a time, or so long ago (2h, 1d)')
    .option('--to <time>', 'end', 'now')
    .option('--name <name>', 'file name without extension')
    .option('--no-wait', 'order it only; `weir recording exports` tells when it is done')
    .addHelpText(
      'after',
      '\nExamples:\n  weir recording export camera0 --from 15m -o door.mp4\n  weir recording export camera0 --from "2026-05-01 14:00" --to "2026-05-01 14:10"',
    )
    .action((id: string, options: ExportFlags, command: Command) => {
      const body = parseWith(createExportSchema, {
        stream_id: id,
        from: toTime(options.from, 'from'),
        to: toTime(options.to, 'to'),
        ...(options.name === undefined ? {} : { name: options.name }),
      });
      return answer(command, terminal, (client) => makeExport(client, body, options, terminal), describeExport);
    });
  recording
    .command('exports')
    .description('exports, newest first')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_exports', { query: { limit: 100 } }),
        ({ items }) => showExports(items),
      ),
    );
}

interface FinishedExport {
  readonly export: Export;
  /** Where it was written; null: nowhere here. */
  readonly file: string | null;
}

async function makeExport(client: Client, body: unknown, options: ExportFlags, terminal: Terminal): Promise<FinishedExport> {
  let made = await client.call('create_export', { body });
  if (!options.wait) return { export: made, file: null };
  const progress = showProgress(terminal, 'exporting');
  try {
    while (made.state === 'queued' || made.state === 'running') {
      progress.show(made.progress / 100, made.state);
      await delay(lookMs);
      made = await client.call('get_export', { params: { export_id: made.export_id } });
    }
  } finally {
    progress.end();
  }
  if (made.state !== 'done' || made.filename === null) {
    throw new WeirError('failed_precondition', `The export is ${made.state}${made.error === null ? '' : `: ${made.error}`}`, {
      facts: { export_id: made.export_id },
    });
  }
  const { file } = await download(client, 'export_file', { params: { filename: made.filename } }, options, terminal);
  return { export: made, file };
}

function describeExport({ export: made, file }: FinishedExport): string {
  const gap = made.missing_s > 0 ? `; ${formatDuration(made.missing_s)} of the span were not recorded` : '';
  if (made.state !== 'done') return `${made.export_id} is ${made.state}\n`;
  return file === null ? '' : `${file} (${formatBytes(made.file_size ?? 0)})${gap}\n`;
}

function addKeeping(recording: Command, terminal: Terminal): void {
  recording
    .command('protect <files...>')
    .description('keep files from retention')
    .option('--off', 'no longer')
    .action((filenames: string[], options: { off?: boolean }, command: Command) =>
      answer(
        command,
        terminal,
        async (client) => {
          const body = { protected: options.off !== true };
          const items: Segment[] = [];
          for (const filename of filenames) items.push(await client.call('update_segment', { params: { filename }, body }));
          return { items };
        },
        ({ items }) => items.map((one) => `${one.filename} is ${one.protected ? 'protected' : 'no longer protected'}\n`).join(''),
      ),
    );
  recording
    .command('delete <files...>')
    .description('delete files of recordings; protected and unfinished ones stay')
    .action((names: string[], _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        async (client) => {
          const outcome = await client.call('delete_segments', { body: { filenames: names } });
          if (outcome.results.some((one) => !one.deleted)) terminal.exitCode = 1;
          return outcome;
        },
        ({ results, space_freed }) =>
          `${results.map((one) => `${one.filename}: ${one.deleted ? 'deleted' : one.message}\n`).join('')}${formatBytes(space_freed)} freed\n`,
      ),
    );
  recording
    .command('delete-export <export>')
    .description('cancel or delete an export')
    .action((export_id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('delete_export', { params: { export_id } }),
        () => `${export_id} is cancelled, or deleted if it was over\n`,
      ),
    );
}

function showFiles(items: readonly Segment[], total: number): string {
  if (items.length === 0) return 'no files; what is being recorded is listed once its file is finished\n';
  const table = formatTable(
    ['FILE', 'STREAM', 'BEGAN', 'LENGTH', 'SIZE', 'FORMAT', ''],
    items.map((one) => [
      one.filename,
      one.stream_id,
      formatTime(one.started_at),
      formatDuration(one.duration_s),
      formatBytes(one.file_size),
      one.format,
      [...(one.protected ? ['protected'] : []), ...(one.recovered ? ['recovered'] : [])].join(', '),
    ]),
  );
  return total > items.length ? `${table}${items.length} of ${total}; more with --limit\n` : table;
}

function showExports(items: readonly Export[]): string {
  if (items.length === 0) return 'no exports; make one with `weir recording export STREAM --from 15m`\n';
  return formatTable(
    ['EXPORT', 'STREAM', 'FROM', 'TO', 'STATE', 'SIZE', 'FILE'],
    items.map((one) => [
      one.export_id,
      one.stream_id,
      formatTime(one.from),
      formatTime(one.to),
      one.state === 'running' ? `${one.progress.toFixed(0)} %` : one.error === null ? one.state : `${one.state}: ${one.error}`,
      one.file_size === null ? '-' : formatBytes(one.file_size),
      one.filename ?? '-',
    ]),
  );
}

/** `weir snapshot ...` */
import type { Command } from 'commander';
import { parseWith } from '../../contracts/errors.js';
import { type Snapshot, takeSnapshotSchema } from '../../contracts/index.js';
import { answer } from './answer.js';
import { type DownloadTarget, download } from './download.js';
import { addOutputFlags } from './recording-file-commands.js';
import { formatTable, type Terminal } from './terminal.js';
import { formatBytes, formatTime, toNumber } from './words.js';

interface TakeFlags extends DownloadTarget {
  readonly name?: string;
  readonly format?: string;
  readonly quality?: string;
  readonly width?: string;
}

/** Adds them. */
export function addSnapshotCommands(program: Command, terminal: Terminal): void {
  const snapshot = program.command('snapshot').description('keep single pictures of streams');
  addTaking(snapshot, terminal);
  snapshot
    .command('list')
    .description('newest first')
    .option('--stream <id>', 'only of this stream')
    .option('-n, --limit <number>', 'at most so many', '50')
    .action((options: { stream?: string; limit: string }, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_snapshots', { query: { stream_id: options.stream, limit: toNumber(options.limit, 'limit') } }),
        ({ items, total }) => showSnapshots(items, total),
      ),
    );
  addOutputFlags(snapshot.command('get <file>').description('download a snapshot')).action(
    (filename: string, options: DownloadTarget, command: Command) =>
      answer(
        command,
        terminal,
        (client) => download(client, 'snapshot_file', { params: { filename } }, options, terminal),
        ({ file, size }) => (file === null ? '' : `${file} (${formatBytes(size)})\n`),
      ),
  );
  snapshot
    .command('delete <files...>')
    .description('delete snapshots')
    .action((filenames: string[], _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        async (client) => {
          const results = [];
          for (const filename of filenames) results.push(await client.call('delete_snapshot', { params: { filename } }));
          return { results };
        },
        ({ results }) => results.map((one) => `${one.filename}: ${one.deleted ? 'deleted' : one.message}\n`).join(''),
      ),
    );
}

function addTaking(snapshot: Command, terminal: Terminal): void {
  addOutputFlags(snapshot.command('take <stream>').description('keep a picture; starts the stream when it does not run'))
    .option('--name <name>', 'file name (default: stream and time)')
    .option('--format <format>', 'jpg or png')
    .option('--quality <number>', '1 to 100, jpg only')
    .option('--width <pixels>', 'scale it to this width')
    .addHelpText(
      'after',
      '\nWith --output the picture is fetched as well.\n\nExamples:\n  weir snapshot take camera0\n  weir snapshot take camera0 --format png -o door.png',
    )
    .action((id: string, options: TakeFlags, command: Command) => {
      const number = (text: string | undefined, field: string) => (text === undefined ? {} : { [field]: toNumber(text, field) });
      const body = parseWith(takeSnapshotSchema, {
        ...(options.name === undefined ? {} : { filename: options.name }),
        ...(options.format === undefined ? {} : { format: options.format }),
        ...number(options.quality, 'quality'),
        ...number(options.width, 'width'),
      });
      return answer(
        command,
        terminal,
        async (client) => {
          const taken = await client.call('take_snapshot', { params: { stream_id: id }, body });
          if (options.output === undefined) return { ...taken, file: null };
          const { file } = await download(client, 'snapshot_file', { params: { filename: taken.filename } }, options, terminal);
          return { ...taken, file };
        },
        (taken) =>
          options.output === '-' ? '' : `${taken.file ?? taken.filename} (${taken.width}x${taken.height}, ${formatBytes(taken.file_size)})\n`,
      );
    });
}

function showSnapshots(items: readonly Snapshot[], total: number): string {
  if (items.length === 0) return 'no snapshots; take one with `weir snapshot take STREAM`\n';
  const table = formatTable(
    ['FILE', 'STREAM', 'TAKEN', 'PICTURE', 'SIZE', 'BY'],
    items.map((one) => [
      one.filename,
      one.stream_id,
      formatTime(one.taken_at),
      `${one.width}x${one.height}`,
      formatBytes(one.file_size),
      one.taken_by,
    ]),
  );
  return total > items.length ? `${table}${items.length} of ${total}; more with --limit\n` : table;
}

/** `weir upload ...`: what is being sent to the hub. */
import type { Command } from 'commander';
import { type Upload, uploadStates } from '../../contracts/index.js';
import { answer } from './answer.js';
import type { Client } from './client.js';
import { allPages } from './pages.js';
import { formatTable, type Terminal } from './terminal.js';
import { formatBytes, formatTime } from './words.js';

/** Of these one can be cancelled, and most gone on with. */
const unfinished = uploadStates.filter((state) => state === 'receiving' || state === 'paused' || state === 'checking');
const maxShown = 200;

/** Adds them. */
export function addUploadCommands(program: Command, terminal: Terminal): void {
  const upload = program.command('upload').description('uploads of videos; `weir video upload` sends one');
  upload
    .command('list', { isDefault: true })
    .description('unfinished uploads')
    .option('--all', 'also those that have ended')
    .action((options: { all?: boolean }, command: Command) =>
      answer(
        command,
        terminal,
        (client) => (options.all === true ? allPages(client, 'list_uploads', {}, maxShown) : listUnfinished(client)),
        (items) => showUploads(items, options.all === true ? 'no uploads' : 'no unfinished uploads; --all shows those that have ended'),
      ),
    );
  upload
    .command('cancel <upload>')
    .description('end an unfinished upload and delete what came of it')
    .action((uploadId: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('delete_upload', { params: { upload_id: uploadId } }),
        () => `${uploadId} is cancelled\n`,
      ),
    );
}

async function listUnfinished(client: Client): Promise<Upload[]> {
  const found = await Promise.all(unfinished.map((state) => allPages(client, 'list_uploads', { state }, maxShown)));
  return found.flat().sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
}

/** As a table; `none` when there are none. */
export function showUploads(items: readonly Upload[], none = 'no uploads'): string {
  if (items.length === 0) return `${none}\n`;
  return formatTable(
    ['UPLOAD', 'STATE', 'RECEIVED', 'OF', 'HOW', 'VIDEO', 'CHANGED', 'NAME'],
    items.map((one) => [
      one.upload_id,
      one.error === null ? one.state : `${one.state}: ${one.error.reason ?? one.error.code}`,
      formatBytes(one.received_bytes),
      one.size_bytes === null ? '-' : formatBytes(one.size_bytes),
      one.method,
      one.video_id,
      formatTime(one.updated_at),
      one.name,
    ]),
  );
}

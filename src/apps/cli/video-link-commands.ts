/** `weir video link ...`: watching without an account. */
import type { Command } from 'commander';
import type { VideoLink } from '../../contracts/index.js';
import { answer } from './answer.js';
import { formatTable, type Terminal } from './terminal.js';
import { formatTime, fullAddress, toSeconds } from './words.js';

/** Adds them below `weir video`. */
export function addVideoLinkCommands(video: Command, terminal: Terminal): void {
  const link = video.command('link').description('signed links to a video');
  link
    .command('add <video>')
    .description('make a link; the video must be visible to `link` or `public`')
    .option('--name <text>', 'what it is for')
    .option('--expires <time>', 'so long from now (7d, 12h), or never')
    .action((videoId: string, options: { name?: string; expires?: string }, command: Command) => {
      const { name, expires } = options;
      const body = {
        ...(name === undefined ? {} : { name }),
        ...(expires === undefined ? {} : { expires_in_s: expires === 'never' ? null : Math.round(toSeconds(expires, 'expires')) }),
      };
      return answer(
        command,
        terminal,
        (client) => client.call('create_video_link', { params: { video_id: videoId }, body }),
        (made, where) => `${fullAddress(made.watch_url, where)}\n`,
      );
    });
  link
    .command('list <video>')
    .description('links that are valid')
    .action((videoId: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_video_links', { params: { video_id: videoId } }),
        ({ items }, where) => showLinks(items, where),
      ),
    );
  link
    .command('revoke <video> <link>')
    .description('it stops working at once')
    .action((videoId: string, linkId: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('delete_video_link', { params: { video_id: videoId, link_id: linkId } }),
        () => `${linkId} is revoked\n`,
      ),
    );
}

function showLinks(items: readonly VideoLink[], where: string): string {
  if (items.length === 0) return 'no links; `weir video link add VIDEO` makes one\n';
  return formatTable(
    ['LINK', 'EXPIRES', 'BY', 'NAME', 'ADDRESS'],
    items.map((one) => [
      one.link_id,
      one.expires_at === null ? 'never' : formatTime(one.expires_at),
      one.created_by,
      one.name || '-',
      fullAddress(one.watch_url, where),
    ]),
  );
}

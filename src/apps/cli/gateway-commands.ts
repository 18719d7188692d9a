/** `weir gateway ...`: who serves RTSP, WebRTC, SRT and RTMP to players. */
import type { Command } from 'commander';
import type { GatewayPath, GatewayState } from '../../contracts/index.js';
import { answer } from './answer.js';
import { formatFields, formatTable, type Terminal } from './terminal.js';
import { formatBytes, formatTime, toSeconds } from './words.js';

/** Adds them. */
export function addGatewayCommands(program: Command, terminal: Terminal): void {
  const gateway = program.command('gateway').description('the gateway that serves RTSP, WebRTC, SRT and RTMP to players');
  gateway
    .command('show')
    .description('which gateway runs, in which version, and what it can')
    .action((_options: unknown, command: Command) => answer(command, terminal, (client) => client.call('get_gateway'), showGateway));
  gateway
    .command('paths')
    .description('paths with their readers')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_gateway_paths'),
        ({ items }) => showPaths(items),
      ),
    );
  gateway
    .command('kick <stream> <reader>')
    .description('cut a reader off; `weir gateway paths` shows their ids')
    .action((stream_id: string, reader_id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('kick_gateway_reader', { params: { stream_id, reader_id } }),
        () => `${reader_id} is cut off\n`,
      ),
    );
  gateway
    .command('token <stream>')
    .description('make a short-lived token for one stream, for players that cannot sign in')
    .option('--publish', 'may also publish; needs the role operator')
    .option('--expires-in <time>', 'seconds, or 10m, 12h (default 1h)')
    .option('--short', 'short enough for the password in an RTSP address: FFmpeg cuts longer ones')
    .addHelpText(
      'after',
      '\nExamples:\n  weir gateway token camera0 --expires-in 10m\n  ffplay -rtsp_transport tcp rtsp://me:$(weir gateway token camera0 --short)@localhost:8554/camera0',
    )
    .action((stream_id: string, options: { publish?: boolean; expiresIn?: string; short?: boolean }, command: Command) => {
      const body = {
        ...(options.publish === true ? { actions: ['read', 'publish'] } : {}),
        ...(options.expiresIn === undefined ? {} : { expires_in_s: toSeconds(options.expiresIn, 'expires-in') }),
      };
      return answer(
        command,
        terminal,
        (client) => client.call('create_stream_token', { params: { stream_id }, body }),
        (made) => `${options.short === true ? made.short_token : made.token}\n`,
      );
    });
}

function showGateway({ kind, state, managed, version, features, error, since }: GatewayState): string {
  const able = Object.entries(features).filter(([, can]) => can);
  return formatFields({
    gateway: kind,
    state: error === null ? state : `${state}: ${error}`,
    since: formatTime(since),
    version: version ?? undefined,
    runs: { none: 'inside the hub', child: 'as a program of the hub', external: 'elsewhere' }[managed],
    serves: able.length === 0 ? undefined : able.map(([name]) => name).join(', '),
  });
}

function showPaths(items: readonly GatewayPath[]): string {
  if (items.length === 0) return 'no paths; each stream has one as soon as it is defined\n';
  const rows = items.flatMap((one) => [
    [one.stream_id, one.ready ? 'ready' : 'idle', one.tracks.join(', ') || '-', formatBytes(one.bytes_received), formatBytes(one.bytes_sent), ''],
    ...one.readers.map((reader) => [
      `  ${reader.reader_id}`,
      reader.type,
      reader.address ?? '-',
      '',
      reader.bytes_sent === null ? '-' : formatBytes(reader.bytes_sent),
      reader.user ?? '-',
    ]),
  ]);
  return formatTable(['PATH / READER', 'STATE', 'TRACKS / ADDRESS', 'IN', 'OUT', 'USER'], rows);
}

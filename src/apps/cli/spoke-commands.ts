/** `weir spoke list`, `weir spoke drain`: the spokes as the hub knows them. */
import type { Command } from 'commander';
import type { Spoke } from '../../contracts/index.js';
import { answer } from './answer.js';
import { formatTable, type Terminal } from './terminal.js';
import { formatBytes, formatTime } from './words.js';

/** Adds them below `weir spoke`. */
export function addSpokeCommands(spoke: Command, terminal: Terminal): void {
  spoke
    .command('list')
    .description('spokes that announced themselves to the hub')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_spokes'),
        ({ items }) => showSpokes(items),
      ),
    );
  spoke
    .command('drain <spoke>')
    .description('move its streams elsewhere and give it no new ones')
    .action((id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('drain_spoke', { params: { spoke_id: id } }),
        (now) => `${now.spoke_id} is ${now.state}; it still has ${now.streams.length} streams\n`,
      ),
    );
}

function showSpokes(items: readonly Spoke[]): string {
  if (items.length === 0) return 'no spokes; `weir up` runs one, `weir spoke --nats-url nats://HUB:4222` another elsewhere\n';
  return formatTable(
    ['SPOKE', 'STATE', 'HOST', 'PID', 'VERSION', 'CPU', 'MEMORY', 'LAST SEEN', 'STREAMS'],
    items.map((one) => [
      one.spoke_id,
      one.state,
      one.host,
      String(one.pid),
      one.version,
      one.cpu_percent === null ? '-' : `${one.cpu_percent.toFixed(0)} %`,
      one.rss_bytes === null ? '-' : formatBytes(one.rss_bytes),
      formatTime(one.last_seen_at),
      one.streams.join(', ') || '-',
    ]),
  );
}

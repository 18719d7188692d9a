/** `weir alert ...` */
import type { Command } from 'commander';
import { answer } from './answer.js';
import { formatTable, type Terminal } from './terminal.js';

/** Adds them. */
export function addAlertCommands(program: Command, terminal: Terminal): void {
  const alert = program.command('alert').description('conditions that a person should know of');
  alert
    .command('list')
    .description('newest first')
    .option('--all', 'also those that are over')
    .action((options: { all?: boolean }, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_alerts', { query: options.all === true ? {} : { open: true } }),
        ({ items }) =>
          items.length === 0
            ? 'no alerts\n'
            : formatTable(
                ['ALERT', 'SEVERITY', 'STREAM', 'SINCE', 'MESSAGE'],
                items.map((one) => [
                  one.alert_id,
                  one.severity,
                  one.stream_id ?? '-',
                  one.raised_at,
                  `${one.message}${one.cleared_at === null ? '' : ' (over)'}`,
                ]),
              ),
      ),
    );
  alert
    .command('acknowledge <id>')
    .description('mark an alert as seen')
    .action((id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('acknowledge_alert', { params: { alert_id: id } }),
        () => `${id} is acknowledged\n`,
      ),
    );
}

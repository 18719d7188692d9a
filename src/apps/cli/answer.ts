/** What every command that asks a hub does: open a client, ask, show, close. */
import type { Command } from 'commander';
import { type Client, openClient } from './client.js';
import type { GlobalOptions, Terminal } from './terminal.js';

type OpenClient = (command: Command, terminal: Terminal) => Client | Promise<Client>;

/** Runs `work` with a client and shows its result: as JSON when asked for, else as `show` says, which is told where the hub is. `open` defaults to {@link openClient}. */
export async function answer<T>(
  command: Command,
  terminal: Terminal,
  work: (client: Client) => Promise<T>,
  show: (result: T, where: string) => string,
  open: OpenClient = openClient,
): Promise<void> {
  const client = await open(command, terminal);
  try {
    const result = await work(client);
    const isJson = command.optsWithGlobals<GlobalOptions>().json === true;
    terminal.out(isJson ? `${JSON.stringify(result ?? { ok: true }, null, 2)}\n` : show(result, client.where));
  } finally {
    await client.close();
  }
}

/** `weir rpc`: one JSON-RPC method, called over the socket that other clients use. */
import type { Command } from 'commander';
import { WeirError } from '../../contracts/errors.js';
import { isJson, type Terminal } from './terminal.js';

interface RpcFlags {
  readonly list?: boolean;
  readonly params?: string;
  readonly follow?: boolean;
}

/** Adds it. */
export function addRpcCommands(program: Command, terminal: Terminal): void {
  program
    .command('rpc [method] [params...]')
    .description('call one JSON-RPC method over /ws and print its result as JSON')
    .option('--list', 'all methods with their roles and parameters')
    .option('--params <json>', 'all parameters as one JSON object')
    .option('-f, --follow', 'go on and print what the hub tells, one line of JSON each')
    .addHelpText(
      'after',
      '\nExamples:\n  weir rpc get_camera_list\n  weir rpc start_recording device=camera0 duration=60 format=mp4\n' +
        '  weir rpc subscribe_events \'topics=["camera.connected","recording.stop"]\' --follow\n  weir rpc --list',
    )
    .action(async (method: string | undefined, params: string[], options: RpcFlags, command: Command) => {
      // The whole contract is loaded only for those who use it.
      const { callMethod, describeMethods, listMethods, toParams } = await import('./call-rpc.js');
      if (options.list === true) terminal.out(isJson(command) ? `${JSON.stringify(describeMethods(), null, 2)}\n` : listMethods());
      else if (method === undefined)
        throw new WeirError('invalid_argument', 'Name a method', { field: 'method', hint: '`weir rpc --list` shows all' });
      else await callMethod(method, toParams(method, params, options.params), options.follow === true, command, terminal);
    });
}

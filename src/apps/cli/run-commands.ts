/** The commands that run until they are stopped: up, hub, spoke, vod-worker. */
import { type Command, Option } from 'commander';
import { parseWith } from '../../contracts/errors.js';
import { streamIdSchema } from '../../contracts/ids.js';
import { loadConfig } from '../config.js';
import { addSpokeCommands } from './spoke-commands.js';
import { addConfigFlags, type ConfigFlags, toConfig } from './stream-flags.js';
import type { GlobalOptions, Terminal } from './terminal.js';
import { configFor, configInputs } from './terminal.js';

interface ListenOptions extends GlobalOptions {
  readonly host?: string;
  readonly port?: string;
  readonly natsPort?: string;
  readonly websocketPort?: string;
  readonly natsUrl?: string;
  readonly spoke?: boolean;
  readonly vodWorker?: boolean;
}

interface SpokeOptions extends GlobalOptions, ConfigFlags {
  readonly stream?: string[];
  readonly id?: string;
  readonly natsUrl?: string;
  readonly settings?: string;
}

const runCommands: readonly (string | undefined)[] = ['up', 'hub', 'spoke', 'vod-worker'];

/** True for the name of one of them. */
export function isRunCommand(name: string | undefined): boolean {
  return runCommands.includes(name);
}

/** Adds them. */
export function addRunCommands(program: Command, terminal: Terminal): void {
  const up = program
    .command('up')
    .description('run everything on this machine: message bus, hub, interface and a spoke')
    .option('--no-spoke', 'without a spoke on this machine')
    .option('--no-vod-worker', 'without a worker on videos on this machine');
  addListenOptions(up).addHelpText(
    'after',
    '\nExamples:\n  weir up\n  weir up --host 0.0.0.0 --port 80 --data-dir /var/lib/weir\n  NATS_URL=nats://bus:4222 weir up',
  );
  up.action((_options: unknown, command: Command) => runHubCommand(command, terminal, true));

  const hub = program.command('hub').description('run the hub and its message bus, without a spoke');
  addListenOptions(hub).addHelpText('after', '\nExamples:\n  weir hub --host 0.0.0.0\n  weir hub --nats-url nats://bus:4222');
  hub.action((_options: unknown, command: Command) => runHubCommand(command, terminal, false));

  const spoke = program
    .command('spoke')
    .description('run FFmpeg for streams: those named, or those that the hub assigns')
    .option('--stream <id...>', 'serve exactly these streams (also STREAM_ID)')
    .option('--id <id>', 'name of this spoke (also WEIR_SPOKE_ID; default: the bus user, the stream or the machine)')
    .option('--nats-url <url>', 'NATS to connect to (also NATS_URL)')
    .addOption(new Option('--settings <file>', 'settings written by the hub').hideHelp());
  addConfigFlags(spoke)
    .addHelpText(
      'after',
      '\nExamples:\n  NATS_URL=nats://hub:4222 NATS_USER=cam1 NATS_PASSWORD=... STREAM_ID=stream1 weir spoke\n  weir spoke --nats-url nats://hub:4222 --id garage\n  weir spoke --stream front --device rtsp://camera/stream1 --nats-url nats://hub:4222',
    )
    .action((_options: unknown, command: Command) => runSpokeCommand(command, terminal));
  addSpokeCommands(spoke, terminal);

  program
    .command('vod-worker')
    .description('take jobs from the queue of videos and encode them; it must see the same folders as the hub')
    .option('--id <id>', 'name of this worker (also WEIR_WORKER_ID; default: the bus user or the machine)')
    .option('--nats-url <url>', 'NATS to connect to (also NATS_URL)')
    .addOption(new Option('--settings <file>', 'settings written by the hub').hideHelp())
    .addHelpText('after', '\nExamples:\n  NATS_URL=nats://hub:4222 NATS_USER=encoder2 NATS_PASSWORD=... weir vod-worker')
    .action((_options: unknown, command: Command) => runWorkerCommand(command, terminal));
}

function addListenOptions(command: Command): Command {
  return command
    .option('--host <address>', 'address of the hub (default 127.0.0.1; beyond loopback once an admin exists)')
    .option('--port <number>', 'port of the hub (default 8080; -1: any)')
    .option('--nats-port <number>', 'port of the message bus (default 4222; -1: any)')
    .option('--websocket-port <number>', 'loopback port of its WebSocket (default 8222; -1: any)')
    .option('--nats-url <url>', 'use this NATS instead of running one');
}

async function runHubCommand(command: Command, terminal: Terminal, withSpoke: boolean): Promise<void> {
  const options = command.optsWithGlobals<ListenOptions>();
  const inputs = configInputs(command, terminal, {
    'http.host': options.host,
    'http.port': options.port,
    'nats.port': options.natsPort,
    'nats.websocket_port': options.websocketPort,
    'nats.url': options.natsUrl,
  });
  const loaded = loadConfig(inputs);
  const { warnings } = loaded;
  for (const warning of warnings) terminal.err(`weir: ${warning}\n`);
  const { runHub } = await import('../up.js');
  terminal.exitCode = await runHub({
    loaded,
    inputs,
    withSpoke: withSpoke && options.spoke !== false,
    withWorker: withSpoke && options.vodWorker !== false,
    json: options.json === true,
    print: terminal.out,
  });
}

async function runSpokeCommand(command: Command, terminal: Terminal): Promise<void> {
  const options = command.optsWithGlobals<SpokeOptions>();
  const { runSpoke } = await import('../spoke.js');
  const { runUntilSignal } = await import('../run.js');
  const { readSpokeSettings, spokeSettingsOf } = await import('../spoke-settings.js');
  const { silentLogger } = await import('../../telemetry/index.js');
  const fromEnvironment = terminal.environment.STREAM_ID ?? terminal.environment.WEIR_STREAM_ID;
  const streams = (options.stream ?? fromEnvironment?.split(',') ?? []).map((id) => parseWith(streamIdSchema, id.trim()));
  const settings =
    options.settings === undefined
      ? spokeSettingsOf(configFor(command, terminal, { 'nats.url': options.natsUrl }).config, {
          spokeId: options.id ?? terminal.environment.WEIR_SPOKE_ID,
          streams,
          streamConfig: options.device === undefined ? undefined : toConfig(options),
        })
      : readSpokeSettings(options.settings);
  let log = silentLogger;
  terminal.exitCode = await runUntilSignal(
    async (signal) => {
      const spoke = await runSpoke(settings, signal);
      log = spoke.log;
      return spoke;
    },
    () => log,
  );
}

async function runWorkerCommand(command: Command, terminal: Terminal): Promise<void> {
  const options = command.optsWithGlobals<GlobalOptions & { id?: string; natsUrl?: string; settings?: string }>();
  const { runVideoWorker } = await import('../vod-worker.js');
  const { runUntilSignal } = await import('../run.js');
  const { readWorkerSettings, workerSettingsOf } = await import('../vod-worker-settings.js');
  const { silentLogger } = await import('../../telemetry/index.js');
  const workerId = options.id ?? terminal.environment.WEIR_WORKER_ID;
  const settings =
    options.settings === undefined
      ? workerSettingsOf(configFor(command, terminal, { 'nats.url': options.natsUrl }).config, { workerId })
      : readWorkerSettings(options.settings);
  let log = silentLogger;
  terminal.exitCode = await runUntilSignal(
    async (signal) => {
      const worker = await runVideoWorker(settings, signal);
      log = worker.log;
      if (options.settings !== undefined) return worker;
      // Nobody would start it again, and a terminal that is closed is no reason to end.
      return { stop: worker.stop };
    },
    () => log,
  );
}

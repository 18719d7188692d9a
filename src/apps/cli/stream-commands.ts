/** `weir stream ...`: a thin client of the REST API. */
import type { Command } from 'commander';
import { WeirError } from '../../contracts/errors.js';
import type { Stream, StreamConfig } from '../../contracts/index.js';
import { answer } from './answer.js';
import { type Client, openClient } from './client.js';
import { addConfigFlags, type ConfigFlags, toConfig } from './stream-flags.js';
import { formatFields, formatTable, type GlobalOptions, type Terminal } from './terminal.js';

interface DefinitionFlags extends ConfigFlags {
  readonly id?: string;
  readonly name?: string;
  readonly onDemand?: boolean;
  readonly stopped?: boolean;
  readonly spoke?: string;
}

/** Adds them. */
export function addStreamCommands(program: Command, terminal: Terminal): void {
  const stream = program.command('stream').description('define, command and look at streams');
  addReadCommands(stream, terminal);
  addWriteCommands(stream, terminal);
  addSourceCommands(stream, terminal);
}

function addReadCommands(stream: Command, terminal: Terminal): void {
  stream
    .command('list')
    .description('streams you may see')
    .option('--state <state>', 'only those: starting, running, stopped or error')
    .option('--text <text>', 'only those whose id or name holds this text')
    .addHelpText('after', '\nExamples:\n  weir stream list\n  weir stream list --state error --json')
    .action((options: { state?: string; text?: string }, command: Command) =>
      answer(command, terminal, (client) => allStreams(client, options), showStreams),
    );
  stream
    .command('get <id>')
    .description('one stream in full')
    .action((id: string, _options: unknown, command: Command) =>
      answer(command, terminal, (client) => client.call('get_stream', { params: { stream_id: id } }), showStream),
    );
  stream
    .command('status <id>')
    .description('its state right now, asked of its spoke')
    .action((id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('stream_status', { params: { stream_id: id } }),
        (status) =>
          `${status.state}${status.reason === undefined ? '' : ` (${status.reason})`}${status.error === undefined ? '' : `: ${status.error}`}\n`,
      ),
    );
  stream
    .command('log <id>')
    .description('log lines of FFmpeg and the spoke')
    .option('-n, --lines <number>', 'so many of the newest', '50')
    .option('-f, --follow', 'go on until stopped')
    .option('--level <level>', 'this level and above: debug, info, warning or error')
    .option('--text <text>', 'only lines that hold this text')
    .addHelpText('after', '\nExamples:\n  weir stream log front -f\n  weir stream log front --level warning -n 200')
    .action((id: string, options: LogOptions, command: Command) => showLog(id, options, command, terminal));
}

function addWriteCommands(stream: Command, terminal: Terminal): void {
  addConfigFlags(stream.command('create').description('define a stream and start it'))
    .option('--id <id>', 'its id (default: made from the name)')
    .option('--name <name>', 'its name')
    .option('--on-demand', 'run only while somebody watches')
    .option('--stopped', 'define it without starting it')
    .option('--spoke <id>', 'run it on this spoke only')
    .addHelpText(
      'after',
      '\nExamples:\n  weir stream create --id front --device rtsp://camera/stream1\n  weir stream create --name "Test" --device test: --resolution 1280x720 --framerate 30',
    )
    .action((options: DefinitionFlags, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('create_stream', { body: toDefinition(options) }),
        (made) => `${made.stream_id} is defined\n`,
      ),
    );
  addConfigFlags(stream.command('update <id>').description('change a stream; only what is given changes'))
    .option('--name <name>', 'its name')
    .option('--on-demand', 'run only while somebody watches')
    .option('--no-on-demand', 'run all the time')
    .option('--spoke <id>', 'run it on this spoke only; "any": on any')
    .addHelpText('after', '\nExamples:\n  weir stream update front --bitrate 4000\n  weir stream update front --name "Front door" --on-demand')
    .action((id: string, options: DefinitionFlags, command: Command) =>
      answer(
        command,
        terminal,
        (client) => update(client, id, options),
        ({ will_blink }) => `${id} is changed${will_blink ? '; viewers see a short gap' : ''}\n`,
      ),
    );
  stream
    .command('delete <id>')
    .description('stop and forget a stream')
    .action((id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('delete_stream', { params: { stream_id: id } }),
        () => `${id} is deleted\n`,
      ),
    );
  for (const action of ['start', 'stop', 'restart'] as const) {
    stream
      .command(`${action} <id>`)
      .description(`${action} a stream`)
      .action((id: string, _options: unknown, command: Command) =>
        answer(
          command,
          terminal,
          (client) => client.call(`${action}_stream`, { params: { stream_id: id } }),
          ({ stream: now }) => `${id}: ${describeState(now)}\n`,
        ),
      );
  }
}

function addSourceCommands(stream: Command, terminal: Terminal): void {
  stream
    .command('probe <device>')
    .description('look at a source without defining a stream')
    .option('--spoke <id>', 'look from this spoke')
    .addHelpText('after', '\nExamples:\n  weir stream probe rtsp://camera/stream1\n  weir stream probe /dev/video0')
    .action((device: string, options: { spoke?: string }, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('probe_source', { body: { device, ...options } }),
        (probe) =>
          probe.reachable
            ? formatFields({ video: describeVideo(probe.video), audio: probe.audio?.codec, plan: probe.plan, why: probe.why })
            : `not reachable: ${probe.error?.detail ?? 'no reason given'}\n`,
      ),
    );
  addConfigFlags(stream.command('preview [id]').description('the FFmpeg command of a stream, or of a configuration given by flags'))
    .addHelpText('after', '\nExamples:\n  weir stream preview front\n  weir stream preview --device test: --resolution 640x360')
    .action((id: string | undefined, options: ConfigFlags, command: Command) =>
      answer(
        command,
        terminal,
        (client) =>
          id === undefined
            ? client.call('preview_command', { body: { config: toConfig(options) } })
            : client.call('stream_command_preview', { params: { stream_id: id }, query: { encoder: options.encoder } }),
        ({ command: words }) => `${words.map(quoteWord).join(' ')}\n`,
      ),
    );
}

function toDefinition(flags: DefinitionFlags): Record<string, unknown> {
  return {
    config: toConfig(flags),
    ...(flags.id === undefined ? {} : { stream_id: flags.id }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.onDemand === undefined ? {} : { on_demand: flags.onDemand }),
    ...(flags.stopped === true ? { desired: 'stopped' } : {}),
    ...(flags.spoke === undefined ? {} : { spoke: flags.spoke }),
  };
}

/** The API replaces a configuration whole, so what is not given is taken from the present one, under its revision. */
async function update(client: Client, id: string, flags: DefinitionFlags) {
  if (Object.keys(flags).length === 0)
    throw new WeirError('invalid_argument', 'Nothing to change was given', { hint: 'See `weir stream update --help`' });
  const present = await client.call('get_stream', { params: { stream_id: id } });
  const changes = toConfig(flags);
  const config: StreamConfig | undefined = Object.keys(changes).length === 0 ? undefined : { ...present.config, ...changes };
  const body = {
    revision: present.revision,
    ...(config === undefined ? {} : { config }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.onDemand === undefined ? {} : { on_demand: flags.onDemand }),
    ...(flags.spoke === undefined ? {} : { spoke: flags.spoke === 'any' ? null : flags.spoke }),
  };
  return client.call('update_stream', { params: { stream_id: id }, body });
}

async function allStreams(client: Client, filter: { state?: string; text?: string }): Promise<{ items: Stream[] }> {
  const items: Stream[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.call('list_streams', { query: { ...filter, limit: 500, cursor } });
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return { items };
}

interface LogOptions {
  readonly lines: string;
  readonly follow?: boolean;
  readonly level?: string;
  readonly text?: string;
}

async function showLog(id: string, options: LogOptions, command: Command, terminal: Terminal): Promise<void> {
  const client = openClient(command, terminal);
  const isJson = command.optsWithGlobals<GlobalOptions>().json === true;
  const filter = { kind: 'log', level: options.level, text: options.text };
  let page = await client.call('stream_history', { params: { stream_id: id }, query: { ...filter, limit: options.lines } });
  for (;;) {
    for (const { message } of page.items) terminal.out(isJson ? `${JSON.stringify(message)}\n` : formatLogMessage(message));
    if (options.follow !== true) return;
    if (!page.more) await new Promise((resolve) => setTimeout(resolve, 1000));
    page = await client.call('stream_history', { params: { stream_id: id }, query: { ...filter, after: page.last } });
  }
}

function formatLogMessage(message: Record<string, unknown>): string {
  const { timestamp, level, origin, message: text } = message;
  return `${String(timestamp).slice(11, 23)} ${String(level).padEnd(7)} ${String(origin).padEnd(6)} ${String(text)}\n`;
}

function showStreams({ items }: { items: Stream[] }): string {
  if (items.length === 0) return 'no streams; define one with `weir stream create --device test:`\n';
  return formatTable(
    ['STREAM', 'NAME', 'STATE', 'FPS', 'KBIT/S', 'VIEWERS', 'SOURCE'],
    items.map((one) => [
      one.stream_id,
      one.name,
      describeState(one),
      one.progress === null ? '-' : one.progress.fps.toFixed(1),
      one.progress === null ? '-' : one.progress.bitrate_kbps.toFixed(0),
      String(one.viewers),
      one.config.device ?? '-',
    ]),
  );
}

function describeState({ status, desired }: Stream): string {
  const state = status?.state ?? (desired === 'running' ? 'starting' : 'stopped');
  return status?.reason === undefined || status.reason === 'requested' ? state : `${state} (${status.reason})`;
}

function showStream(one: Stream): string {
  return formatFields({
    stream: one.stream_id,
    name: one.name,
    state: describeState(one),
    error: one.status?.error,
    desired: one.desired,
    'on demand': one.on_demand ? 'yes' : 'no',
    spoke: one.status?.spoke_id ?? one.spoke ?? undefined,
    video: describeVideo(one.status?.video),
    encoder: one.status?.encoder,
    restarts: one.status?.restarts?.toString(),
    viewers: String(one.viewers),
    revision: String(one.revision),
    ...Object.fromEntries(Object.entries(one.config).map(([key, value]) => [`config ${key}`, String(value)])),
  });
}

function describeVideo(video: { codec: string; width: number; height: number; frame_rate?: number | undefined } | undefined): string | undefined {
  return video === undefined
    ? undefined
    : `${video.codec} ${video.width}x${video.height}${video.frame_rate === undefined ? '' : ` at ${video.frame_rate} fps`}`;
}

function quoteWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `weir camera ...` */
import type { Command } from 'commander';
import { parseWith, WeirError } from '../../contracts/errors.js';
import { addCameraSchema, type Camera, updateCameraSchema } from '../../contracts/index.js';
import type { RpcTopic } from '../../contracts/rpc/index.js';
import { answer } from './answer.js';
import { askSecret } from './ask.js';
import { type Client, findHub } from './client.js';
import { allPages } from './pages.js';
import { formatFields, formatTable, isJson, type Terminal } from './terminal.js';
import { formatTime, toNumber, toSeconds } from './words.js';

interface CameraFlags {
  readonly name?: string;
  readonly resolution?: string;
  readonly framerate?: string;
  readonly alwaysOn?: boolean;
  readonly username?: string;
  readonly password?: boolean;
  readonly source?: string;
  readonly control?: string[];
}

interface DiscoverFlags {
  readonly timeout?: string;
  readonly address?: string;
  readonly username?: string;
  readonly streams?: boolean;
}

/** Longest scan of the network that is waited for. */
const scanLimitMs = 180_000;
const byId = (camera_id: string) => ({ params: { camera_id } });

/** Adds them. */
export function addCameraCommands(program: Command, terminal: Terminal): void {
  const camera = program.command('camera').description('cameras: capture devices, network cameras, and what else gives a picture');
  addLooking(camera, terminal);
  addChanging(camera, terminal);
  addFinding(camera, terminal);
}

function addLooking(camera: Command, terminal: Terminal): void {
  camera
    .command('list')
    .description('cameras you may see')
    .option('--status <status>', 'only those: connected, disconnected or error')
    .addHelpText('after', '\nExamples:\n  weir camera list\n  weir camera list --status error --json')
    .action((options: { status?: string }, command: Command) =>
      answer(
        command,
        terminal,
        async (client) => ({ items: await allPages(client, 'list_cameras', { status: options.status?.toUpperCase() }) }),
        showCameras,
      ),
    );
  camera
    .command('show <camera>')
    .description('one camera with its addresses and what it can deliver')
    .action((id: string, _options: unknown, command: Command) =>
      answer(command, terminal, (client) => client.call('get_camera', byId(id)), showCamera),
    );
  camera
    .command('watch')
    .description('tell what happens to cameras, until stopped')
    .addHelpText('after', '\nWith --json: one object per line.')
    .action((_options: unknown, command: Command) => watchCameras(command, terminal));
}

function addChanging(camera: Command, terminal: Terminal): void {
  camera
    .command('add <source>')
    .description('add a network camera, a file or a test picture')
    .option('--name <name>', 'its name (default: that of the host or file)')
    .option('--resolution <size>', 'WIDTHxHEIGHT')
    .option('--framerate <number>', 'frames per second')
    .option('--always-on', 'run also while nobody watches')
    .option('--username <name>', 'sign in at the camera; the password is asked for, or read from standard input')
    .addHelpText(
      'after',
      '\nExamples:\n  weir camera add rtsp://camera.lan/stream1 --name "Front door" --username viewer\n  weir camera add onvif://192.168.1.20\n  weir camera add test:',
    )
    .action(async (source: string, options: CameraFlags, command: Command) => {
      const login = options.username === undefined ? {} : { username: options.username, password: await askSecret('Password of the camera: ') };
      const body = parseWith(addCameraSchema, { source, ...login, ...namedFields(options) });
      await answer(
        command,
        terminal,
        (client) => client.call('add_camera', { body, timeoutMs: 60_000 }),
        (made) => `${made.camera_id} (${made.name}) is added: ${made.status.toLowerCase()}${made.error === null ? '' : `, ${made.error}`}\n`,
      );
    });
  camera
    .command('rename <camera> <name>')
    .description('give it another name')
    .action((id: string, name: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('update_camera', { ...byId(id), body: parseWith(updateCameraSchema, { name }) }),
        (now) => `${now.camera_id} is called ${now.name}\n`,
      ),
    );
  camera
    .command('set <camera>')
    .description('change what is given: size, rate, controls of the device, address and login of a network camera')
    .option('--name <name>', 'its name')
    .option('--resolution <size>', 'WIDTHxHEIGHT; "auto": what suits it')
    .option('--framerate <number>', 'frames per second; "auto": what suits it')
    .option('--always-on', 'run also while nobody watches')
    .option('--no-always-on', 'run while somebody watches')
    .option('--source <address>', 'another address of a network camera; its login stays while the host does')
    .option('--username <name>', 'another login of a network camera; the password is asked for, or read from standard input; "": none')
    .option('--password', 'another password only; it is asked for, or read from standard input')
    .option('--control <name=value...>', 'a control of the device, for example brightness=128')
    .addHelpText(
      'after',
      '\nExamples:\n  weir camera set camera0 --resolution 1280x720 --framerate 30\n  weir camera set camera0 --control brightness=128 auto_exposure=1\n  weir camera set camera1 --username viewer\n  weir camera set camera1 --source rtsp://192.168.1.31/stream1',
    )
    .action(async (id: string, options: CameraFlags, command: Command) => {
      const body = parseWith(updateCameraSchema, { ...namedFields(options), ...(await addressOf(options)), ...controlsOf(options.control) });
      if (Object.keys(body).length === 0)
        throw new WeirError('invalid_argument', 'Nothing to change was given', { hint: 'See `weir camera set --help`' });
      return answer(command, terminal, (client) => client.call('update_camera', { ...byId(id), body, timeoutMs: 60_000 }), showCamera);
    });
  camera
    .command('remove <camera>')
    .description('forget a camera that is not plugged in, or a network camera; its recordings stay')
    .action((id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('delete_camera', byId(id)),
        () => `${id} is forgotten\n`,
      ),
    );
}

function addFinding(camera: Command, terminal: Terminal): void {
  camera
    .command('discover')
    .description('look for ONVIF cameras on the network, or with --streams for streams of others in the configured ranges')
    .option('--timeout <seconds>', 'wait so long for answers (default 3)')
    .option('--address <host[:port]>', 'ask this host only')
    .option('--username <name>', 'read profiles with this login; the password is asked for, or read from standard input')
    .option('--streams', 'scan the ranges of external_discovery instead')
    .addHelpText(
      'after',
      '\nExamples:\n  weir camera discover\n  weir camera discover --address camera.lan:8000 --username admin\n  weir camera discover --streams',
    )
    .action(async (options: DiscoverFlags, command: Command) => {
      if (options.streams === true) return scanStreams(command, terminal);
      const login = options.username === undefined ? {} : { username: options.username, password: await askSecret('Password of the camera: ') };
      const body = {
        ...(options.timeout === undefined ? {} : { timeout_s: toSeconds(options.timeout, 'timeout') }),
        ...(options.address === undefined ? {} : { address: options.address }),
        ...login,
      };
      return answer(
        command,
        terminal,
        (client) => client.call('discover_cameras', { body, timeoutMs: 60_000 }),
        ({ items, errors }) => `${showFound(items)}${errors.map((error) => `warning: ${error}\n`).join('')}`,
      );
    });
}

function scanStreams(command: Command, terminal: Terminal): Promise<void> {
  return answer(
    command,
    terminal,
    (client) => client.call('scan_external_streams', { body: { force_rescan: true }, timeoutMs: scanLimitMs }),
    ({ discovered_streams: found, errors, scan_duration }) => {
      const table = formatTable(
        ['ADDRESS', 'TYPE', 'NAME', 'CAMERA'],
        found.map((one) => [one.url, one.type, one.name, one.camera_id ?? '-']),
      );
      const head = found.length === 0 ? `nothing found (${scan_duration})\n` : table;
      return `${head}${errors.map((error) => `warning: ${error}\n`).join('')}`;
    },
  );
}

function namedFields({ name, resolution, framerate, alwaysOn }: CameraFlags): Record<string, unknown> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(resolution === undefined ? {} : { resolution: resolution === 'auto' ? null : resolution }),
    ...(framerate === undefined ? {} : { framerate: framerate === 'auto' ? null : toNumber(framerate, 'framerate') }),
    ...(alwaysOn === undefined ? {} : { always_on: alwaysOn }),
  };
}

async function addressOf({ source, username, password }: CameraFlags): Promise<Record<string, unknown>> {
  const asks = (username !== undefined && username !== '') || password === true;
  return {
    ...(source === undefined ? {} : { source }),
    ...(username === undefined ? {} : { username }),
    ...(asks ? { password: await askSecret('Password of the camera: ') } : {}),
  };
}

function controlsOf(pairs: readonly string[] | undefined): { controls?: Record<string, number | boolean | string> } {
  if (pairs === undefined) return {};
  const controls = pairs.map((pair): [string, number | boolean | string] => {
    const [name = '', ...rest] = pair.split('=');
    const text = rest.join('=');
    if (name === '' || rest.length === 0) throw new WeirError('invalid_argument', 'write name=value', { field: 'control', received: pair });
    if (text === 'true' || text === 'false') return [name, text === 'true'];
    return [name, text !== '' && !Number.isNaN(Number(text)) ? Number(text) : text];
  });
  return { controls: Object.fromEntries(controls) };
}

function showCameras({ items }: { items: Camera[] }): string {
  if (items.length === 0)
    return 'no cameras; plug one in, or add one: `weir camera add rtsp://...`, `weir camera discover`, `weir camera add test:`\n';
  return formatTable(
    ['CAMERA', 'NAME', 'STATUS', 'KIND', 'SIZE', 'FPS', 'NOW', 'SOURCE'],
    items.map((one) => [
      one.camera_id,
      one.name,
      one.status.toLowerCase(),
      one.kind,
      one.resolution,
      String(one.fps),
      [...(one.streaming ? ['streaming'] : []), ...(one.recording ? ['recording'] : [])].join(', ') || '-',
      one.source ?? '-',
    ]),
  );
}

function showCamera(one: Camera): string {
  const { capabilities } = one;
  const fields = formatFields({
    camera: one.camera_id,
    name: one.name,
    status: one.status.toLowerCase(),
    error: one.error ?? undefined,
    kind: one.kind,
    source: one.source ?? undefined,
    device: one.device_id ?? undefined,
    spoke: one.spoke_id ?? undefined,
    picture: `${one.resolution} at ${one.fps} fps`,
    streaming: one.streaming ? 'yes' : 'no',
    recording: one.recording ? 'yes' : 'no',
    connected: formatTime(one.connected_at),
    'last seen': formatTime(one.last_seen_at),
    driver: capabilities?.driver,
    card: capabilities?.card,
    bus: capabilities?.bus,
    ...Object.fromEntries(Object.entries(one.streams)),
  });
  if (capabilities === null || capabilities.formats.length === 0) return fields;
  const rows = capabilities.formats.flatMap((format) =>
    format.sizes.map((size) => [format.pixel_format, `${size.width}x${size.height}`, size.frame_rates.join(', ')]),
  );
  return `${fields}\n${formatTable(['FORMAT', 'SIZE', 'FPS'], rows)}`;
}

type Found = Awaited<ReturnType<typeof discovered>>['items'];
function discovered(client: Client) {
  return client.call('discover_cameras');
}

function showFound(items: Found): string {
  if (items.length === 0) return 'no ONVIF camera answered; ask one by its address: `weir camera discover --address HOST`\n';
  const rows = items.flatMap((one) => [
    [one.name, one.address, one.hardware ?? '-', one.camera_id ?? '-', one.source],
    ...(one.profiles ?? []).map((profile) => [
      `  ${profile.name}`,
      '',
      [profile.codec, profile.width === undefined ? undefined : `${profile.width}x${profile.height}`].filter((part) => part !== undefined).join(' '),
      '',
      profile.source,
    ]),
  ]);
  return formatTable(['NAME', 'ADDRESS', 'WHAT', 'CAMERA', 'ADD IT AS'], rows);
}

const watchedTopics: readonly RpcTopic[] = [
  'camera.connected',
  'camera.disconnected',
  'camera.status_change',
  'camera.capability_detected',
  'camera.capability_error',
  'recording.start',
  'recording.stop',
  'recording.error',
  'snapshot.taken',
];

async function watchCameras(command: Command, terminal: Terminal): Promise<void> {
  const { openRpcClient } = await import('./rpc-client.js');
  const client = await openRpcClient(findHub(command, terminal));
  const forProgram = isJson(command);
  try {
    await client.call('subscribe_events', { topics: watchedTopics });
    if (!forProgram) terminal.err('watching; Ctrl-C ends it\n');
    for await (const { method, params } of client.notices()) {
      if (!(watchedTopics as readonly string[]).includes(method)) continue;
      terminal.out(forProgram ? `${JSON.stringify({ topic: method, ...params })}\n` : describeNotice(method, params));
    }
  } finally {
    client.close();
  }
}

function describeNotice(topic: string, { device, timestamp, ...rest }: Readonly<Record<string, unknown>>): string {
  const details = Object.entries(rest).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${String(timestamp).slice(11, 19)} ${String(device ?? '-').padEnd(10)} ${topic.padEnd(24)} ${details.join('  ')}\n`;
}

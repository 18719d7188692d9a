/** Paths of the fake MediaMTX: configuration as its documentation has it, and the life of a path with its on-demand command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';

/** Every field of a path's configuration that the fake knows, with its default. */
const defaults = {
  source: 'publisher',
  sourceFingerprint: '',
  sourceOnDemand: false,
  sourceOnDemandStartTimeout: '10s',
  sourceOnDemandCloseAfter: '10s',
  maxReaders: 0,
  overridePublisher: true,
  rtspTransport: 'automatic',
  record: false,
  recordPath: './recordings/%path/%Y-%m-%d_%H-%M-%S-%f',
  recordFormat: 'fmp4',
  recordPartDuration: '1s',
  recordSegmentDuration: '1h',
  recordDeleteAfter: '1d',
  runOnDemand: '',
  runOnDemandRestart: false,
  runOnDemandStartTimeout: '10s',
  runOnDemandCloseAfter: '10s',
};
export type FakePathConfig = typeof defaults;

const recordNames = ['record', 'recordPath', 'recordFormat', 'recordPartDuration', 'recordSegmentDuration', 'recordDeleteAfter'];

export interface FakeReader {
  readonly id: string;
  readonly connection: string;
  readonly type: string;
  readonly remoteAddr: string;
  readonly user: string;
  readonly created: string;
  bytes: number;
  send(channel: number, packet: Buffer): void;
  cut(): void;
}

export interface FakePublisher {
  readonly id: string;
  /** Empty for a source that is pulled. */
  readonly connection: string;
  readonly type: string;
  readonly sdp: string;
  cut(): void;
}

/** Answered with 400 and this text. */
export class FakeRefusal extends Error {}

export interface FakePath {
  readonly name: string;
  conf: FakePathConfig;
  publisher: FakePublisher | undefined;
  readonly readers: Map<string, FakeReader>;
  command: ChildProcess | undefined;
  /** Demand that waits for the publisher. */
  readonly waiting: Set<(isReady: boolean) => void>;
  closeTimer: NodeJS.Timeout | undefined;
  received: number;
  sent: number;
}

/** The path configurations given so far, and the paths that live by them. */
export class FakePaths {
  readonly #given = new Map<string, Partial<FakePathConfig>>();
  readonly #paths = new Map<string, FakePath>();
  readonly #rtspPort: () => number;
  /** Commands started so far. */
  started = 0;

  constructor(rtspPort: () => number) {
    this.#rtspPort = rtspPort;
  }

  all(): FakePath[] {
    return [...this.#paths.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): FakePath | undefined {
    return this.#paths.get(name);
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }

  /** Throws {@link FakeRefusal} for what the real one refuses. */
  put(name: string, given: Record<string, unknown>, how: 'replace' | 'patch'): void {
    const merged = { ...(how === 'patch' ? this.#given.get(name) : {}), ...given } as Partial<FakePathConfig>;
    const conf = checkConfig(name, merged);
    this.#given.set(name, merged);
    const path = this.#paths.get(name);
    if (path !== undefined && mainText(path.conf) === mainText(conf)) {
      const began = conf.record && !path.conf.record;
      path.conf = conf;
      if (began) this.#record(path);
      return;
    }
    if (path !== undefined) this.#close(path);
    this.#paths.set(name, {
      ...{ name, conf, publisher: undefined, readers: new Map<string, FakeReader>(), command: undefined },
      ...{ waiting: new Set<(isReady: boolean) => void>(), closeTimer: undefined, received: 0, sent: 0 },
    });
  }

  delete(name: string): void {
    const path = this.#paths.get(name);
    this.#given.delete(name);
    this.#paths.delete(name);
    if (path !== undefined) this.#close(path);
  }

  /** Holds until the path has a publisher; false at the start timeout, or when nothing can start one. */
  async demand(path: FakePath): Promise<boolean> {
    if (path.publisher !== undefined) return true;
    clearTimeout(path.closeTimer);
    const isCommand = path.conf.runOnDemand !== '';
    if (!isCommand && !path.conf.sourceOnDemand) return false;
    const wait = new Promise<boolean>((resolve) => path.waiting.add(resolve));
    const limit = setTimeout(
      () => this.#settle(path, false),
      toMs(isCommand ? path.conf.runOnDemandStartTimeout : path.conf.sourceOnDemandStartTimeout),
    );
    if (isCommand) this.#run(path);
    else this.#pull(path);
    const isReady = await wait;
    clearTimeout(limit);
    if (!isReady) stopCommand(path);
    else this.#scheduleClose(path);
    return isReady;
  }

  publish(path: FakePath, publisher: FakePublisher): void {
    if (path.publisher !== undefined && !path.conf.overridePublisher) throw new FakeRefusal('someone is already publishing to path');
    path.publisher?.cut();
    path.publisher = publisher;
    this.#settle(path, true);
    if (path.conf.record) this.#record(path);
  }

  unpublish(path: FakePath, publisher: FakePublisher): void {
    if (path.publisher !== publisher) return;
    path.publisher = undefined;
    for (const reader of [...path.readers.values()]) reader.cut();
  }

  addReader(path: FakePath, reader: FakeReader): void {
    clearTimeout(path.closeTimer);
    path.readers.set(reader.id, reader);
  }

  removeReader(path: FakePath, id: string): void {
    if (path.readers.delete(id)) this.#scheduleClose(path);
  }

  relay(path: FakePath, channel: number, packet: Buffer): void {
    path.received += packet.length;
    for (const reader of path.readers.values()) {
      path.sent += packet.length;
      reader.bytes += packet.length;
      reader.send(channel, packet);
    }
  }

  stop(): void {
    for (const path of this.#paths.values()) this.#close(path);
  }

  #settle(path: FakePath, isReady: boolean): void {
    for (const resolve of path.waiting) resolve(isReady);
    path.waiting.clear();
  }

  #run(path: FakePath): void {
    if (path.command !== undefined) return;
    const env = { MTX_PATH: path.name, MTX_QUERY: '', RTSP_PORT: String(this.#rtspPort()) };
    const [program = '', ...args] = splitLikeShell(path.conf.runOnDemand).map((word) => expand(word, env));
    this.started++;
    const command = spawn(program, args, { stdio: 'inherit', detached: true, env: { ...process.env, ...env } });
    path.command = command;
    command.on('error', () => undefined);
    command.on('exit', () => {
      if (path.command === command) path.command = undefined;
    });
  }

  /** A pulled source only has to be reachable; its picture is not relayed. */
  #pull(path: FakePath): void {
    const { hostname, port } = new URL(path.conf.source);
    const socket = connect({ host: hostname, port: Number(port === '' ? 554 : port) });
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      this.publish(path, {
        id: '',
        connection: '',
        type: 'rtspSource',
        sdp: 'v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n',
        cut: () => socket.destroy(),
      });
    });
  }

  #scheduleClose(path: FakePath): void {
    clearTimeout(path.closeTimer);
    if (path.readers.size > 0 || (path.conf.runOnDemand === '' && !path.conf.sourceOnDemand)) return;
    const after = toMs(path.conf.runOnDemand === '' ? path.conf.sourceOnDemandCloseAfter : path.conf.runOnDemandCloseAfter);
    path.closeTimer = setTimeout(() => {
      if (path.readers.size > 0) return;
      stopCommand(path);
      const publisher = path.publisher;
      path.publisher = undefined;
      publisher?.cut();
    }, after);
  }

  #close(path: FakePath): void {
    clearTimeout(path.closeTimer);
    this.#settle(path, false);
    stopCommand(path);
    const publisher = path.publisher;
    path.publisher = undefined;
    publisher?.cut();
    for (const reader of [...path.readers.values()]) reader.cut();
  }

  /** One segment of two seconds for each time that recording begins. */
  #record(path: FakePath): void {
    if (path.publisher === undefined) return;
    const file = `${segmentPath(path.conf.recordPath, path.name, new Date())}.mp4`;
    mkdirSync(dirname(file), { recursive: true });
    // biome-ignore format: pairs of option and value
    spawn('ffmpeg', [
      '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10:duration=2', '-c:v', 'libx264', '-preset', 'ultrafast',
      '-f', 'mp4', '-movflags', 'empty_moov+default_base_moof+frag_keyframe', '-y', file,
    ], { stdio: 'ignore' });
  }
}

function stopCommand(path: FakePath): void {
  const { command } = path;
  path.command = undefined;
  if (command?.pid === undefined) return;
  try {
    process.kill(-command.pid, 'SIGINT');
  } catch {
    // It ended by itself.
  }
}

function mainText(conf: FakePathConfig): string {
  return JSON.stringify(Object.entries(conf).filter(([name]) => !recordNames.includes(name)));
}

function checkConfig(name: string, given: Record<string, unknown>): FakePathConfig {
  for (const [field, value] of Object.entries(given)) {
    if (!(field in defaults)) throw new FakeRefusal(`json: unknown field "${field}"`);
    if (typeof value !== typeof defaults[field as keyof FakePathConfig]) throw new FakeRefusal(`json: cannot unmarshal field "${field}"`);
  }
  const conf = { ...defaults, ...given };
  const isName = /^[0-9a-zA-Z_\-/.]+$/.test(name) && !/^\/|\/$/.test(name) && !name.split('/').some((part) => part === '.' || part === '..');
  if (!isName) throw new FakeRefusal(`invalid path name '${name}'`);
  if (conf.source === 'publisher' && conf.sourceOnDemand) throw new FakeRefusal("'sourceOnDemand' is useless when source is 'publisher'");
  if (conf.source !== 'publisher' && conf.runOnDemand !== '') throw new FakeRefusal("'runOnDemand' can be used only when source is 'publisher'");
  if (conf.source !== 'publisher' && !/^(?:rtsps?|rtmps?|https?|srt):\/\/[^/]/.test(conf.source))
    throw new FakeRefusal(`invalid source: '${conf.source}'`);
  const hasTime = conf.recordPath.includes('%s') || ['%Y', '%m', '%d', '%H', '%M', '%S'].every((part) => conf.recordPath.includes(part));
  if (!conf.recordPath.includes('%path')) throw new FakeRefusal("'recordPath' must contain %path");
  if (!hasTime) throw new FakeRefusal("'recordPath' must contain either %s or %Y %m %d %H %M %S");
  if (toMs(conf.recordSegmentDuration) > 86_400_000) throw new FakeRefusal('maximum segment duration is 1 day');
  const deleteAfter = toMs(conf.recordDeleteAfter);
  if (deleteAfter !== 0 && deleteAfter < toMs(conf.recordSegmentDuration))
    throw new FakeRefusal("'recordDeleteAfter' cannot be lower than 'recordSegmentDuration'");
  return conf;
}

/** `10s`, `1500ms`, `1h`, `1d`. */
function toMs(text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (amount === undefined) throw new FakeRefusal(`time: invalid duration "${text}"`);
  return Number(amount) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? 'ms'] ?? 1);
}

/** Names of files, without extension, in UTC. */
function segmentPath(format: string, name: string, at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const parts: Record<string, string> = {
    path: name,
    Y: String(at.getFullYear()),
    m: two(at.getMonth() + 1),
    d: two(at.getDate()),
    H: two(at.getHours()),
    M: two(at.getMinutes()),
    S: two(at.getSeconds()),
    f: `${String(at.getMilliseconds()).padStart(3, '0')}000`,
    s: String(Math.floor(at.getTime() / 1000)),
  };
  return format.replaceAll(/%(path|[YmdHMSfs])/g, (_, part: string) => parts[part] ?? '');
}

/** Words as a shell would see them, but nothing else of a shell. */
function splitLikeShell(text: string): string[] {
  const words = text.match(/(?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\\[\s\S]|[^\s'"\\])+/g) ?? [];
  return words.map((word) => word.replaceAll(/'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S])/g, unquote));
}

function unquote(_: string, single?: string, double?: string, escaped?: string): string {
  return single ?? double?.replaceAll(/\\([$`"\\])/g, '$1') ?? escaped ?? '';
}

/** After the split, in every word, quoted or not. */
function expand(word: string, env: Record<string, string>): string {
  return word.replaceAll(/\$(?:\{(\w+)\}|(\w+)|([*#$@!?-]))/g, (_, braced?: string, plain?: string) => {
    const name = braced ?? plain ?? '';
    return env[name] ?? process.env[name] ?? '';
  });
}

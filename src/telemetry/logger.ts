/** Logs: JSON lines for machines, one compact line each for people. */
import { type DestinationStream, pino } from 'pino';
import { maskSecrets, maskUrls } from './mask.js';

/** Order of fields: what belongs to the message first, the sentence second. A string alone is fine too. */
export interface LogMethod {
  (fields: object, message: string): void;
  (message: string): void;
}

/** What the modules of Weir log with. */
export interface Logger {
  trace: LogMethod;
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  fatal: LogMethod;
  /** The same log with fields that each line then has, for example `{ component: 'broker' }`. */
  child(fields: Record<string, unknown>): Logger;
}

/** A log whose level can be changed while it is written, for its children too. */
export interface LevelledLogger extends Logger {
  setLevel(level: LogLevel | 'silent'): void;
}

/** `warning` is another word for `warn`. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'warning' | 'error' | 'fatal';

export interface LoggerOptions {
  /** Lines below it are dropped. Default `info`. */
  level?: LogLevel | 'silent';
  /** Default: `text` when standard output is a terminal, else `json`. */
  format?: 'text' | 'json';
  /** Where lines go, each with its line end. Default: standard output. A closed one is ignored. */
  destination?: { write(line: string): void };
  /** Colours in `text`. Default: as the terminal allows (`NO_COLOR` is heeded). */
  color?: boolean;
  /** Fields of every line. */
  fields?: Record<string, unknown>;
}

/** A logger; secrets in fields, and logins in URLs, are masked in what it writes. */
export function createLogger(options: LoggerOptions = {}): LevelledLogger {
  const isTerminal = process.stdout.isTTY === true;
  const format = options.format ?? (isTerminal ? 'text' : 'json');
  const output: DestinationStream = options.destination ?? pino.destination({ fd: 1, sync: true });
  const color = options.color ?? (isTerminal && process.env.NO_COLOR === undefined);
  const destination = format === 'json' ? output : { write: (line: string) => output.write(formatLogLine(line, color)) };
  const masked = (fields: object) => maskSecrets(fields) as Record<string, unknown>;
  let least = rankOf(options.level ?? 'info');
  const logger = pino(
    {
      // Each child of pino keeps the level it was made with, so the level of all is held here.
      level: 'trace',
      base: masked(options.fields ?? {}),
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: masked },
      // The masking makes plain fields of errors already.
      serializers: { err: (value: unknown) => value, error: (value: unknown) => value },
      hooks: {
        logMethod(args, method, rank) {
          if (rank < least) return;
          const [first, second] = args as unknown as [unknown, unknown];
          if (typeof first === 'string') method.call(this, maskUrls(first));
          // pino would turn a bare Error into fields by itself, past the mask.
          else if (first instanceof Error) method.call(this, { err: first }, typeof second === 'string' ? maskUrls(second) : first.message);
          else method.apply(this, [first, typeof second === 'string' ? maskUrls(second) : second] as Parameters<typeof method>);
        },
      },
    },
    destination,
  );
  // pino formats the fields of its root only; children, made upon this object, inherit this method.
  const makeChild = logger.child;
  logger.child = function child(this: typeof logger, fields: object) {
    return makeChild.call(this, masked(fields));
  } as typeof makeChild;
  return Object.assign(logger, {
    setLevel: (level: LogLevel | 'silent') => {
      least = rankOf(level);
    },
  });
}

function rankOf(level: LogLevel | 'silent'): number {
  return pino.levels.values[level === 'warning' ? 'warn' : level] ?? Number.POSITIVE_INFINITY;
}

/** A logger that writes nothing: for those who are given none. */
export const silentLogger: Logger = createLogger({ level: 'silent', destination: { write: () => undefined } });

const levelStyles: Record<string, { mark: string; ansi: string }> = {
  trace: { mark: 'TRC', ansi: '90' },
  debug: { mark: 'DBG', ansi: '36' },
  info: { mark: 'INF', ansi: '32' },
  warn: { mark: 'WRN', ansi: '33' },
  error: { mark: 'ERR', ansi: '31' },
  fatal: { mark: 'FTL', ansi: '35' },
};

/** A JSON log line as `14:03:22.117 INF broker: ready  port=4222`. What is not one of our lines passes through unchanged. */
export function formatLogLine(line: string, color = false): string {
  let record: Record<string, unknown>;
  try {
    record = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { level, time, msg, component, err, ...rest } = record;
  const style = levelStyles[String(level)] ?? { mark: String(level), ansi: '0' };
  const paint = (ansi: string, text: string) => (color && text !== '' ? `\u001b[${ansi}m${text}\u001b[0m` : text);
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const fields = Object.entries(rest)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
    .join(' ');
  const head = `${paint('90', clock)} ${paint(style.ansi, style.mark)} ${component === undefined ? '' : `${paint('1', String(component))}: `}`;
  const text = `${head}${oneLine(String(msg ?? ''))}${fields === '' ? '' : `  ${paint('90', fields)}`}`;
  return `${text}${formatError(err)}\n`;
}

function formatValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

/** What comes from outside must not be able to fake a second line or steer the terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}

function formatError(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { stack, message, type, code, hint, cause } = error as Record<string, unknown>;
  const lines = [`  ${String(type ?? 'Error')}${code === undefined ? '' : ` [${String(code)}]`}: ${oneLine(String(message ?? ''))}`];
  if (hint !== undefined) lines.push(`  hint: ${oneLine(String(hint))}`);
  const frames = typeof stack === 'string' ? stack.split('\n').filter((frame) => /^\s+at /.test(frame)) : [];
  for (const frame of frames.slice(0, 8)) lines.push(`    ${frame.trim()}`);
  return `\n${lines.join('\n')}${cause === undefined ? '' : `\n  caused by${formatError(cause).replace('\n', '')}`}`;
}

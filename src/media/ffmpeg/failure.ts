/** The translator from FFmpeg's failures to ours. FFmpeg has no error codes on its way out, so its own sentences are the interface. */
import type { StreamReason } from '../../contracts/stream.js';
import { maskSecrets } from './mask.js';

/** How the process ended. `stoppedByUs`: a signal of ours, so the exit itself proves nothing. */
export interface FfmpegExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stoppedByUs?: boolean;
}

export interface Failure {
  readonly reason: StreamReason;
  /** One sentence for people, without secrets. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** True when trying again cannot help before somebody changes the configuration or the source. */
  readonly isPermanent: boolean;
}

/** One line of FFmpeg's stderr, taken apart. */
export interface FfmpegLine {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  /** Secrets masked, level and addresses removed: `rtsp: method DESCRIBE failed: 404 Not Found`. */
  readonly message: string;
  /** The part of FFmpeg that speaks, for example `rtsp`; undefined for the program itself. */
  readonly context: string | undefined;
}

/** What a line says about the push to `output_url`. */
export interface PushEvent {
  readonly state: 'failed' | 'recovered';
  readonly message: string;
}

const levels: Readonly<Record<string, FfmpegLine['level']>> = {
  panic: 'error',
  fatal: 'error',
  error: 'error',
  warning: 'warning',
  info: 'info',
  verbose: 'debug',
  debug: 'debug',
  trace: 'debug',
};

/** Takes a line of `-loglevel level+…` output apart and masks it. */
export function parseFfmpegLine(line: string, secrets: readonly string[] = []): FfmpegLine {
  let rest = line.trimEnd();
  let context: string | undefined;
  let level: FfmpegLine['level'] = 'info';
  for (let name = leadingTag(rest); name !== undefined; name = leadingTag(rest)) {
    rest = rest.slice(name.length + 3);
    const found = levels[name];
    if (found !== undefined) {
      level = found;
      break;
    }
    context ??= name.replace(/ @ 0x[0-9a-f]+$/i, '');
  }
  const message = maskSecrets(rest, secrets);
  return { level, message: context === undefined ? message : `${context}: ${message}`, context };
}

function leadingTag(text: string): string | undefined {
  return /^\[([^\]]{1,80})\] /.exec(text)?.[1];
}

/** Reads a failure, or the recovery, of the push out of a stderr line; undefined for every other line. */
export function parsePushEvent(line: string): PushEvent | undefined {
  const { context, message } = parseFfmpegLine(line);
  if (context !== 'fifo' && context !== 'tee') return undefined;
  const text = message.slice(context.length + 2);
  if (/^Recovery successful/.test(text)) return { state: 'recovered', message: 'The push target accepts the stream again' };
  if (/^FIFO queue full/.test(text)) return { state: 'failed', message: 'The push target takes the stream too slowly; frames are dropped' };
  const [, detail] = /^(?:Error opening .*|Slave '.*': error opening|Slave muxer #\d+ failed|Error (?:occurred|writing).*?): (.+)$/.exec(text) ?? [];
  if (detail !== undefined) return { state: 'failed', message: `The push target cannot be reached: ${detail}` };
  return /error|fail/i.test(text) ? { state: 'failed', message: `The push failed: ${text}` } : undefined;
}

interface Rule {
  readonly test: RegExp;
  readonly reason: StreamReason;
  readonly message: string;
  readonly hint?: string;
  readonly isPermanent?: boolean;
}

const checkAddress = 'Check the address, and that the device is on and in this network';

/** The first rule that fits any line wins, so particular ones stand before general ones. */
const rules: readonly Rule[] = [
  {
    test: /not on whitelist|is not in allowed_\w*extensions|not in allowed_extensions/,
    reason: 'forbidden_source',
    message: 'The source leads to something that must not be opened',
    hint: 'Playlists may name network addresses only; files must hold their media themselves',
    isPermanent: true,
  },
  {
    test: /\b401 Unauthorized|authorization failed|auth\w* failed/i,
    reason: 'source_refused',
    message: 'The source refuses the user name or password',
    hint: 'Put the right credentials into the address: rtsp://user:password@host/path',
    isPermanent: true,
  },
  {
    test: /\b403 Forbidden|access denied/,
    reason: 'source_refused',
    message: 'The source denies access',
    hint: 'Check the rights of the user at the source',
    isPermanent: true,
  },
  {
    test: /\b404 Not Found|Stream not found|\b454 Session Not Found/i,
    reason: 'source_missing',
    message: 'The source answers, but knows no such stream',
    hint: 'Check the path in the address',
  },
  { test: /\b5(?:\d\d|XX) [A-Z]/, reason: 'source_unreachable', message: 'The server of the source reports an error of its own' },
  {
    test: /matches no streams/,
    reason: 'audio_only',
    message: 'The source carries no picture',
    hint: 'Name a source with a picture',
    isPermanent: true,
  },
  {
    test: /Could not find tag for codec|not currently supported in container|Decoder \(codec \S+\) not found|Decoding requested, but no decoder found|Unknown decoder|Unsupported codec/,
    reason: 'unsupported_codec',
    message: 'The codec of the source cannot be handled',
    hint: 'Set the codec of the stream to "h264", or choose H.264 at the source',
    isPermanent: true,
  },
  {
    // A programme joined while its picture is away: the track is announced, so the copy is begun, and nothing comes.
    test: /dimensions not set/,
    reason: 'audio_only',
    message: 'The source announces a picture, but sends none',
    hint: 'Check the camera behind the source',
  },
  {
    test: /Error while opening encoder|Error initializing output stream|Device creation failed|Cannot load lib(?:cuda|nvidia)|OpenEncodeSessionEx failed|Could not find a valid device|Unknown encoder|Error while opening encoder|Could not open encoder/,
    reason: 'encoder_failed',
    message: 'The video encoder cannot be started',
    hint: 'Choose the encoder "auto" or "libx264"',
  },
  {
    test: /Device or resource busy/,
    reason: 'source_refused',
    message: 'The device is in use by another program',
    hint: 'Close the other program or give it the stream of Weir instead',
  },
  {
    test: /Permission denied/,
    reason: 'source_refused',
    message: 'Reading the source is not permitted',
    hint: 'For cameras: add the user that runs Weir to the group "video"',
    isPermanent: true,
  },
  {
    test: /Failed to resolve hostname|Name or service not known|Temporary failure in name resolution/,
    reason: 'source_unreachable',
    message: 'The host name of the source cannot be resolved',
    hint: 'Check the host name and the name server',
  },
  { test: /Connection refused/, reason: 'source_unreachable', message: "Nothing listens at the source's address", hint: checkAddress },
  {
    test: /No route to host|Network is unreachable|Host is unreachable|timed? ?out/i,
    reason: 'source_unreachable',
    message: 'The source does not answer',
    hint: checkAddress,
  },
  {
    test: /Connection reset by peer|Broken pipe.*input/,
    reason: 'source_unreachable',
    message: 'The source closed the connection',
    hint: checkAddress,
  },
  {
    test: /Cannot open video device .*: (?:No such|Not a)|VIDIOC_\w+\)?: No such device|No such device|No such file or directory|Is a directory/,
    reason: 'source_missing',
    message: 'The device or file is not there',
    hint: 'Plug it in, or check the path',
  },
  {
    test: /(?:^|input )(?:file )?(?:(?:rtsps?|rtmps?|srt):\S*: Invalid data|(?:rtsps?|rtmps?|srt|pipe):\S*: (?:Input\/output error|End of file|Immediate exit))/,
    reason: 'source_unreachable',
    message: 'The source does not answer as its kind should',
    hint: checkAddress,
  },
  {
    test: /No space left on device|av_interleaved_write_frame|Error writing trailer|Error muxing/,
    reason: 'output_failed',
    message: 'What was captured could not be written',
  },
  {
    test: /Invalid data found|moov atom not found|Could not find codec parameters|dimensions not set|could not find corresponding|Invalid argument/,
    reason: 'source_garbage',
    message: 'The source sends nothing that can be read as video',
    hint: 'Check what it sends, for example with ffprobe',
  },
];

/** FFmpeg takes a device that fails amid its pictures for one that has come to its end, and leaves with success. */
const deviceFailure = /VIDIOC_DQBUF\)?: (.+)$/;

/** Lines of the push, and of FFmpeg closing down, say nothing about the source. */
const unrelated = /^(?:fifo|tee|flv|mpegts): |Error closing progress log|^Exiting normally|Will reconnect at/;

/** Says in our words why a run of FFmpeg ended, from its last stderr lines and its exit. */
export function classifyFailure(stderrTail: readonly string[], exit: FfmpegExit): Failure {
  if (exit.stoppedByUs === true) return { reason: 'requested', message: 'Stopped', hint: undefined, isPermanent: false };
  const lines = relevantLines(stderrTail);
  const rule = rules.find(({ test }) => lines.some((line) => test.test(line)));
  if (rule !== undefined && exit.code !== 0) {
    return { reason: rule.reason, message: rule.message, hint: rule.hint, isPermanent: rule.isPermanent ?? false };
  }
  return classifyExit(lines, exit);
}

function classifyExit(lines: readonly string[], exit: FfmpegExit): Failure {
  if (exit.signal !== null) {
    const hint = exit.signal === 'SIGKILL' ? 'Perhaps the machine ran out of memory' : undefined;
    return { reason: 'encoder_failed', message: `FFmpeg was ended by ${exit.signal}`, hint, isPermanent: false };
  }
  if (exit.code === 0) return classifyEnd(lines);
  const last = lines.at(-1);
  const detail = last === undefined ? '' : `: ${last.slice(0, 300)}`;
  return { reason: 'source_garbage', message: `FFmpeg ended with code ${exit.code ?? '?'}${detail}`, hint: undefined, isPermanent: false };
}

function classifyEnd(lines: readonly string[]): Failure {
  const fault = lines.map((line) => deviceFailure.exec(line)?.[1]).find((found) => found !== undefined);
  if (fault === undefined) return { reason: 'source_ended', message: 'The source ended', hint: undefined, isPermanent: false };
  const isGone = /No such device/.test(fault);
  return {
    reason: isGone ? 'source_missing' : 'source_ended',
    message: isGone ? 'The device is gone' : `The device failed: ${fault}`,
    hint: isGone ? 'Plug it in again' : 'Check its cable and its power, or plug it in elsewhere',
    isPermanent: false,
  };
}

/**
 * Network lines (`tcp: …`) can come from the source or from the push. They count only when the program itself says that
 * the input failed.
 */
function relevantLines(tail: readonly string[]): string[] {
  const parsed = withAddress(tail)
    .map((line) => parseFfmpegLine(line))
    .filter((line) => !unrelated.test(line.message));
  const isInputFailure = parsed.some((line) => isInputLine(line));
  return parsed.filter((line) => isInputFailure || !isTransport(line.context)).map((line) => line.message);
}

/** A source given in a script fails under the name of the script; the line before tells its address. */
function withAddress(tail: readonly string[]): readonly string[] {
  const address = tail.map((line) => /Impossible to open '([a-z]+:\S*)'$/.exec(line.trimEnd())?.[1]).find((found) => found !== undefined);
  return address === undefined ? tail : tail.map((line) => line.replace(/\bpipe:0\b/, () => address));
}

/** Up to 6.0 `rtsp://…: Connection refused` without a context; later `Error opening input: …`. */
function isInputLine({ context, message, level }: FfmpegLine): boolean {
  if (level !== 'error') return false;
  return (context === undefined && /^[a-z0-9]+:\S*: /.test(message)) || /Error opening input/.test(message);
}

function isTransport(context: string | undefined): boolean {
  return context !== undefined && /^(?:tcp|udp|tls|rtmp|rtmps|srt|rtsp|http|https|rtp)$/.test(context);
}

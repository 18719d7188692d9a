/** The input side: what FFmpeg is told about the source, and what it must not reach from there. */
import type { CapturePlan, EncodePlan } from './capture-plan.js';
import { type MachineFacts, versionAtLeast } from './facts.js';
import { testPictureGraph } from './picture-graph.js';
import type { NetworkSource, Source } from './source.js';

type InputPlan = Pick<CapturePlan, 'source' | 'video' | 'rtspTransport' | 'inputFormat' | 'isPaced' | 'isTransportStream'>;

/** Socket timeout towards sources; stalls are seen earlier by missing progress. */
const socketTimeoutUs = '5000000';

/** Protocols each kind may open, also through a playlist or a redirect. Never `file`, `concat`, `subfile`, `data` or `pipe`. */
const protocols: Readonly<Record<Source['kind'], string>> = {
  test: '',
  v4l2: '',
  rtsp: 'rtp,udp,tcp,tls',
  rtmp: 'rtmp,rtmps,tcp,tls',
  srt: 'srt',
  http: 'http,https,tcp,tls,crypto',
  file: 'file',
};

/** Containers that hold their media themselves. Playlists and scripts (hls, concat, dash, sdp, …) would open other files. */
const fileFormats = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,avi,flv,asf,mxf,ogg,nut,h264,hevc,mjpeg,gif,wtv,dv';

/** Formats that HTTP may bring: the same and HLS, whose parts are held to the protocols above. */
const httpFormats = `${fileFormats},hls,mpjpeg`;

export function inputArgs(plan: InputPlan, facts: MachineFacts): string[] {
  const { source } = plan;
  switch (source.kind) {
    case 'test': {
      // An encode to another size or rate than asked in the device is drawn in that size: sharper than scaled, and cheaper.
      const encode = plan.video.mode === 'encode' ? plan.video : undefined;
      const picture = { ...source, ...(encode?.size ?? {}), frameRate: encode?.frameRate ?? source.frameRate };
      return ['-re', '-f', 'lavfi', '-i', testPictureGraph(picture, facts)];
    }
    case 'v4l2':
      return [...v4l2Args(plan), '-i', source.path];
    case 'file':
      // The leading `file:` keeps a colon in the name from being read as a protocol.
      return ['-stream_loop', '-1', '-re', ...guard(source), '-format_whitelist', fileFormats, '-i', `file:${source.path}`];
    default:
      return [...pacing(plan), ...accessArgs(plan, source, facts), ...decodeArgs(plan), '-i', source.url];
  }
}

/**
 * The same input, with the address of a source that carries secrets in a script for standard input instead of in the arguments,
 * where every local user could read it. `script` is undefined where there is nothing to hide.
 */
export function hiddenInputArgs(plan: InputPlan, facts: MachineFacts): { args: string[]; script: string | undefined } {
  const { source } = plan;
  if (!('url' in source) || !carriesSecrets(source)) return { args: inputArgs(plan, facts), script: undefined };
  const { args, script } = scriptedInput(source, accessArgs(plan, source, facts), facts);
  return { args: [...pacing(plan), ...args.slice(0, -2), ...decodeArgs(plan), ...args.slice(-2)], script };
}

/** Likewise, for a probe. */
export function hiddenProbeInputArgs(
  source: Source,
  rtspTransport: 'tcp' | 'udp',
  facts: Pick<MachineFacts, 'version'>,
): { args: string[]; script: string | undefined } {
  const plain = probeInputArgs(source, rtspTransport, facts);
  if (!('url' in source) || !carriesSecrets(source)) return { args: plain, script: undefined };
  return scriptedInput(source, plain.slice(0, -2), facts);
}

function carriesSecrets(source: NetworkSource): boolean {
  return source.display !== source.url;
}

/**
 * A concatenation of one: the script names address and options, and is read to its end before the address is opened. Measured with
 * 5.1 the first picture comes as soon as without. Before version 5 a script cannot hold options: the address then tells RTSP its
 * transport, the lists of what may be opened are inherited, and the timeouts are left to whoever watches the progress.
 */
function scriptedInput(source: NetworkSource, access: readonly string[], facts: Pick<MachineFacts, 'version'>): { args: string[]; script: string } {
  const options = pairs(access);
  const hasOptions = versionAtLeast(facts.version, 5, 0);
  const url = hasOptions ? source.url : withTransport(source, options.get('rtsp_transport'));
  const lines = ['ffconcat version 1.0', `file ${quote(url)}`];
  if (hasOptions) for (const [name, value] of options) lines.push(`option ${name} ${quote(value)}`);
  const formats = options.get('format_whitelist');
  return {
    args: [
      ...['-f', 'concat', '-safe', '0', '-auto_convert', '0', '-protocol_whitelist', `pipe,${protocols[source.kind]}`],
      ...(hasOptions || formats === undefined ? [] : ['-format_whitelist', `concat,${formats}`]),
      ...(options.has('fpsprobesize') ? quickStart : []),
      ...['-i', 'pipe:0'],
    ],
    script: `${lines.join('\n')}\n`,
  };
}

function pairs(args: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at + 1 < args.length; at += 2) found.set((args[at] ?? '').slice(1), args[at + 1] ?? '');
  return found;
}

/** Nothing is special between single quotes but the quote itself; line ends are refused with the address. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function withTransport(source: NetworkSource, transport: string | undefined): string {
  if (source.kind !== 'rtsp' || transport === undefined) return source.url;
  return `${source.url}${source.url.includes('?') ? '&' : '?'}${transport}`;
}

function pacing(plan: InputPlan): string[] {
  return plan.isPaced ? ['-re'] : [];
}

function accessArgs(plan: InputPlan, source: NetworkSource, facts: MachineFacts): string[] {
  return [...networkArgs(source, plan.rtspTransport, facts), ...(plan.isTransportStream ? onePmt : [])];
}

/** What a probe of the same source must be given, so that it sees and reaches the same. */
export function probeInputArgs(source: Source, rtspTransport: 'tcp' | 'udp', facts: Pick<MachineFacts, 'version'>): string[] {
  if (source.kind === 'file') return [...guard(source), '-format_whitelist', fileFormats, '-i', `file:${source.path}`];
  if (source.kind === 'v4l2') return ['-f', 'v4l2', '-i', source.path];
  if (source.kind === 'test') return [];
  const network = networkArgs(source, rtspTransport, facts).filter((_, index, all) => !isReconnect(all, index));
  return [...network, ...(source.kind === 'srt' ? onePmt : []), '-i', source.url];
}

function isReconnect(all: readonly string[], index: number): boolean {
  const option = index % 2 === 0 ? all[index] : all[index - 1];
  return option?.startsWith('-reconnect') ?? false;
}

function guard(source: Source): string[] {
  return ['-protocol_whitelist', protocols[source.kind]];
}

/** Asked for where the size is another than the one whose rates are known. */
const usualCameraRate = 30;

function v4l2Args(plan: InputPlan): string[] {
  const args = ['-f', 'v4l2'];
  if (plan.inputFormat !== undefined) args.push('-input_format', plan.inputFormat);
  // A device keeps the size and the rate that its last user set, so they are always named; the driver takes the nearest it has.
  const { size, frameRate } = plan.video.mode === 'copy' ? plan.video : encodedFrom(plan.video);
  if (frameRate !== undefined) args.push('-framerate', String(frameRate));
  if (size !== undefined) args.push('-video_size', `${size.width}x${size.height}`);
  return args;
}

function encodedFrom(video: EncodePlan): Pick<EncodePlan, 'size' | 'frameRate'> {
  const size = video.size ?? video.sourceSize;
  const isSeen = size?.width === video.sourceSize?.width && size?.height === video.sourceSize?.height;
  const known = isSeen ? video.sourceFrameRate : video.sourceFrameRate && usualCameraRate;
  return { size, frameRate: video.frameRate ?? known };
}

function networkArgs(source: NetworkSource, rtspTransport: 'tcp' | 'udp', facts: Pick<MachineFacts, 'version'>): string[] {
  switch (source.kind) {
    case 'rtsp': {
      // Version 5 gave `timeout` the meaning that `stimeout` had.
      const timeout = versionAtLeast(facts.version, 5, 0) ? '-timeout' : '-stimeout';
      return [...guard(source), '-rtsp_transport', rtspTransport, timeout, socketTimeoutUs, ...quickStart];
    }
    case 'rtmp':
      return [...guard(source), '-rtmp_live', 'live', '-rw_timeout', socketTimeoutUs, ...quickStart];
    case 'srt':
      return [...guard(source), '-rw_timeout', socketTimeoutUs, ...quickStart];
    case 'http':
      return [...guard(source), '-format_whitelist', httpFormats, '-rw_timeout', socketTimeoutUs, ...reconnect];
  }
}

/**
 * The frame rate is not worth waiting for. `nobuffer` is left out on purpose: it throws away what was read while the codec was
 * looked for, and with it the first keyframe, which costs a whole keyframe interval of waiting.
 */
const quickStart = ['-fpsprobesize', '0'] as const;

/** FFmpeg would listen for further programs in a transport stream for five seconds; all that are announced have come by then. */
const onePmt = ['-scan_all_pmts', '0'] as const;

const reconnect = ['-reconnect', '1', '-reconnect_streamed', '1', '-reconnect_on_network_error', '1', '-reconnect_delay_max', '2'] as const;

/** Decoding with one thread per frame would hold back as many frames as there are threads. */
function decodeArgs(plan: InputPlan): string[] {
  return plan.video.mode === 'encode' && !plan.isPaced ? ['-thread_type', 'slice'] : [];
}

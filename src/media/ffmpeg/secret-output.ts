/**
 * Push targets without their secrets in the argument list. RTMP and SRT take stream keys and passphrases as options, and FFmpeg reads
 * options of an output from a preset file; the tee hands them on to its queue, and the queue to the format behind it.
 */
import { escapeListEntry } from './filter-text.js';
import { isSecretParameter } from './mask.js';
import type { Output } from './output.js';

/** Settings of the format that is pushed; the first names it. */
export const formatOptions: Readonly<Record<Output['kind'], readonly [string, ...string[]]>> = {
  rtsp: ['f=rtsp', 'rtsp_transport=tcp'],
  rtmp: ['f=flv', 'flvflags=no_duration_filesize', 'rw_timeout=5000000'],
  srt: ['f=mpegts', 'rw_timeout=5000000'],
};

/** FFmpeg reads a preset in lines of at most 999 bytes, line end included. */
const longestLine = 998;

/** The address as it may be seen, and the options that carry the rest; undefined where there is nothing to hide, or no such option. */
export function splitOutput(output: Output): { readonly url: string; readonly options: ReadonlyMap<string, string> } | undefined {
  if (output.display === output.url) return undefined;
  const url = new URL(output.url);
  if (url.username !== '' || url.password !== '') return undefined;
  if (output.kind === 'rtmp') return splitRtmp(url);
  return output.kind === 'srt' ? splitSrt(url) : undefined;
}

/** The text of the preset; undefined where {@link splitOutput} has nothing. */
export function outputPreset(output: Output): string | undefined {
  const parts = splitOutput(output);
  if (parts === undefined) return undefined;
  const [, ...settings] = formatOptions[output.kind];
  const secret = [...parts.options].map(([name, value]) => `${name}=${escapeListEntry(value)}`);
  return `fifo_options=format_opts=${escapeListEntry([...settings, ...secret].join(':'))}\n`;
}

/** Whether the preset is more than FFmpeg reads. */
export function isTooLongToHide(output: Output): boolean {
  return Buffer.byteLength(outputPreset(output) ?? '') > longestLine;
}

/** Strings of the address that must stand in the argument list, as they stand there: user and password, which no option takes. */
export function exposedSecrets(output: Output): string[] {
  if (output.display === output.url || splitOutput(output) !== undefined) return [];
  const [, userInfo = ''] = /^[a-z]+:\/\/([^/?#]*)@/.exec(output.url) ?? [];
  return [userInfo, ...output.secrets].filter((secret) => secret !== '');
}

/** Takes the path apart as FFmpeg does: the application is its first part, or the first two of three; the rest is what is played. */
function splitRtmp(url: URL): { url: string; options: Map<string, string> } {
  const path = `${url.pathname}${url.search}${url.hash}`.replace(/^\//, '');
  const first = path.indexOf('/');
  const second = path.indexOf('/', first + 1);
  const colon = path.indexOf(':', first + 1);
  const end = second < 0 || (colon >= 0 && colon < second) ? first : second;
  const [app, playPath] = first < 0 ? [path, ''] : [path.slice(0, end), path.slice(end + 1).replace(/\.flv$/, '')];
  const options = new Map([
    ['rtmp_app', app],
    ['rtmp_playpath', playPath],
  ]);
  return { url: `${url.protocol}//${url.host}/${app.split(/[?#]/, 1)[0]}`, options };
}

const secretSrtOptions: ReadonlySet<string> = new Set(['passphrase', 'streamid', 'srt_streamid']);

/** Only what may not be seen moves. FFmpeg reads a query without decoding more than the plus sign, so neither is it decoded here. */
function splitSrt(url: URL): { url: string; options: Map<string, string> } {
  const options = new Map<string, string>();
  const visible: string[] = [];
  for (const part of url.search.slice(1).split('&')) {
    const [name = '', ...value] = part.split('=');
    if (secretSrtOptions.has(name)) options.set(name, value.join('=').replaceAll('+', ' '));
    // What else looks secret is nothing that SRT knows, so nobody misses it.
    else if (part !== '' && (name === 'pbkeylen' || !isSecretParameter(part))) visible.push(part);
  }
  const query = visible.length === 0 ? '' : `?${visible.join('&')}`;
  return { url: `srt://${url.host}${url.pathname}${query}`, options };
}

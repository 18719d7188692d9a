/** The configuration that a supervised MediaMTX is started with. Paths are not in it: they come through the control interface. */
import type { MtxPorts } from './ports.js';
import { hasFeature, isAtLeast, type MtxVersion } from './version.js';

export interface ConfigFileOptions {
  readonly version: MtxVersion;
  readonly ports: MtxPorts;
  /** Address that players reach; the control interface is on loopback in any case. */
  readonly bind: string;
  /** Host that players reach it by, where that is fixed: WebRTC names it as a place for the media, next to the addresses of this machine. */
  readonly host?: string | undefined;
  /** Where it asks whether somebody may; carries a secret. */
  readonly authUrl: string;
}

/** The text of the file. It holds a secret: mode 0600. */
export function formatConfigFile({ version, ports, bind, host, authUrl }: ConfigFileOptions): string {
  const at = (port: number, address = bind) => `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const server = (name: string, port: number): Record<string, unknown> =>
    port === 0 ? { [name]: false } : { [name]: true, [`${name}Address`]: at(port) };
  const config: Record<string, unknown> = {
    logLevel: 'info',
    logDestinations: ['stdout'],
    readTimeout: '10s',
    writeTimeout: '10s',
    authMethod: 'http',
    authHTTPAddress: authUrl,
    // Whoever commands the control interface runs programs as us, so loopback alone is no protection from other users of the machine.
    authHTTPExclude: [],
    api: true,
    apiAddress: at(ports.api, '127.0.0.1'),
    ...(isAtLeast(version, '1.15.4') ? { apiAllowOrigins: [] } : {}),
    metrics: false,
    pprof: false,
    playback: false,
    ...server('rtsp', ports.rtsp),
    // UDP would need further fixed ports; players that try it first fall back.
    rtspTransports: ['tcp'],
    rtspEncryption: 'no',
    ...server('rtmp', ports.rtmp),
    ...server('hls', ports.hls),
    ...server('webrtc', ports.webrtc),
    ...(ports.webrtc === 0 ? {} : { webrtcLocalUDPAddress: at(ports.webrtcMedia), webrtcAdditionalHosts: mediaHosts(bind, host) }),
    ...server('srt', ports.srt),
    ...(hasFeature(version, 'moq') ? { moq: false } : {}),
    paths: {},
  };
  // JSON is YAML in which no word, such as "no", is taken for something else.
  return `# Written by Weir with each start; changes are lost.\n${JSON.stringify(config, null, 2)}\n`;
}

/** Behind a proxy, in a container or behind an address translation, a player cannot know it by any address that the machine itself has. */
function mediaHosts(bind: string, host: string | undefined): string[] {
  const own = bind === '::1' || bind === '[::1]' ? ['::1'] : bind === 'localhost' || bind.startsWith('127.') ? ['127.0.0.1'] : [];
  const given = host?.replace(/^\[|\]$/g, '');
  return given === undefined || given === '' || own.includes(given) ? own : [...own, given];
}

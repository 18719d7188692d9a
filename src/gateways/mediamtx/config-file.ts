/** The configuration that a supervised MediaMTX is started with. Paths are not in it: they come through the control interface. */
import type { MtxPorts } from './ports.js';
import { hasFeature, isAtLeast, type MtxVersion } from './version.js';

export interface ConfigFileOptions {
  readonly version: MtxVersion;
  readonly ports: MtxPorts;
  /** Address that players reach; the control interface is on loopback in any case. */
  readonly bind: string;
  /** Where it asks whether somebody may; carries a secret. */
  readonly authUrl: string;
}

/** The text of the file. It holds a secret: mode 0600. */
export function formatConfigFile({ version, ports, bind, authUrl }: ConfigFileOptions): string {
  const at = (port: number, host = bind) => `${host.includes(':') ? `[${host}]` : host}:${port}`;
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
    ...(ports.webrtc === 0 ? {} : { webrtcLocalUDPAddress: at(ports.webrtcMedia), webrtcAdditionalHosts: isLoopback(bind) ? ['127.0.0.1'] : [] }),
    ...server('srt', ports.srt),
    ...(hasFeature(version, 'moq') ? { moq: false } : {}),
    paths: {},
  };
  // JSON is YAML in which no word, such as "no", is taken for something else.
  return `# Written by Weir with each start; changes are lost.\n${JSON.stringify(config, null, 2)}\n`;
}

function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || host.startsWith('127.');
}

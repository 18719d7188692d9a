/** What the gateway is given by the hub. */
import type { Logger } from '../telemetry/index.js';
import type { GatewayAccess, GatewaySettings, GatewayTokens, WishedPaths } from './gateway.js';

export interface GatewayOptions {
  readonly settings: GatewaySettings;
  /** Folder of its own in the data folder; made 0700. */
  readonly folder: string;
  /** Where a gateway that records itself keeps its files. */
  readonly recordingsFolder: string;
  /** A secret of the data folder that is made when it is missing. */
  readonly secret: (name: string) => string;
  /** Address of the hub for programs of this machine, without a slash at the end: `http://127.0.0.1:8080`. Asked when needed. */
  readonly hubUrl: () => string;
  /** Address that players reach the hub by, when it is fixed (`http.public_url`); default: made from the host of the request. */
  readonly publicUrl?: string | undefined;
  /** The hub's own listener speaks TLS; default false. */
  readonly tls?: boolean | undefined;
  /** FFmpeg program for what the gateway runs; default `ffmpeg`. */
  readonly ffmpeg?: string | undefined;
  readonly wished: WishedPaths;
  /** True when a stream of this id exists; links are only made for those. */
  readonly knowsStream: (streamId: string) => boolean;
  readonly access: GatewayAccess;
  readonly tokens: GatewayTokens;
  readonly log: Logger;
  /** Cancels the start. */
  readonly signal?: AbortSignal | undefined;
}

/** The MediaMTX behind the gateway, ours or somebody else's: where it is, and how its life is followed. */
import type { SupervisedState } from '../../supervisor/index.js';
import type { MtxPorts } from './ports.js';

/** What the gateway must know about its server. */
export interface MtxServer {
  readonly managed: 'child' | 'external';
  readonly apiUrl: string;
  readonly apiUser: string | undefined;
  readonly apiPassword: string | undefined;
  /** Where players reach it. */
  readonly ports: Pick<MtxPorts, 'rtsp' | 'webrtc' | 'hls' | 'rtmp' | 'srt'>;
  /** It runs on this machine, so that it can open devices. */
  readonly isLocal: boolean;
  /** Host for players when nothing else is configured; undefined: the host of the request. */
  readonly host: string | undefined;
  /** Folder of its recordings as seen from here; undefined when that is not known. */
  readonly recordFolder: string | undefined;
  /** Id of the process that we started, while it runs. */
  pid(): number | undefined;
  /** Why it does not run; null while it does, or when nobody knows. */
  failure(): string | null;
  /** Calls back after each change of its process; returns the way to end that. */
  onProcess(listener: (state: SupervisedState) => void): () => void;
  tidy(): void;
  stop(): Promise<void>;
  detach(): Promise<void>;
}

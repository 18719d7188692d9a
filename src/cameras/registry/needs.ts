/** What cameras are given; `apps` passes the big objects. */
import type { Bus } from '../../bus/index.js';
import type { Config, SourceProbe, Stream, StreamConfig, StreamUrls } from '../../contracts/index.js';
import type { SourcePolicy } from '../../media/index.js';
import type { Store } from '../../store/index.js';

/** The part of the store that cameras use. */
export type CameraStore = Pick<Store, 'transaction' | 'cameras' | 'external_streams' | 'spokes' | 'settings'>;

/** Structured log; pino fits. */
export interface CameraLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Who asks for a change, as told in its event. */
export interface Actor {
  readonly user_id: string | null;
}

/** A stream as it is stored, with the secrets of its source. */
export interface StoredStream {
  readonly stream_id: string;
  readonly config: StreamConfig;
  readonly on_demand: boolean;
  readonly spoke: string | null;
}

export interface NewCameraStream extends StoredStream {
  readonly name: string;
}

export type CameraStreamChanges = Partial<Omit<NewCameraStream, 'stream_id'>>;

/** The streams part, as cameras need it: a camera's picture is the stream of the same id. */
export interface StreamsOfCameras {
  /** Undefined when there is none. */
  stored(streamId: string): StoredStream | undefined;
  /** With its state and without secrets; undefined when there is none. */
  shown(streamId: string): Stream | undefined;
  /** Throws `already_exists`, or what is wrong with the configuration. */
  define(stream: NewCameraStream, actor: Actor): Promise<void>;
  /** Throws `not_found`, or what is wrong with the configuration. */
  change(streamId: string, changes: CameraStreamChanges, actor: Actor): Promise<void>;
  /** Nothing happens when there is none. */
  remove(streamId: string, actor: Actor): Promise<void>;
  /** Has a spoke look at a source; throws `unavailable` when none is online. */
  probe(device: string, spokeId: string | null, signal: AbortSignal): Promise<SourceProbe>;
  /** Calls back when the state or the definition of a stream may have changed. Returns the way to unsubscribe. */
  onChange(listener: (streamId: string) => void): () => void;
}

/** Times that only tests shorten. */
export interface CameraTiming {
  /** Silence after which a spoke is lost. */
  readonly spokeLostMs: number;
  /** How often network cameras are looked at. */
  readonly checkMs: number;
  /** A camera that does not take a connection within this time is not there. */
  readonly checkTimeoutMs: number;
}

export const defaultCameraTiming: CameraTiming = { spokeLostMs: 6500, checkMs: 30_000, checkTimeoutMs: 3000 };

/** What can be changed while cameras run. */
export interface CameraSettings {
  readonly settings: Pick<Config['cameras'], 'auto_start_streams' | 'max'>;
  readonly external: Config['external_discovery'];
}

export interface CamerasOptions extends CameraSettings {
  /** Connected with the rights of the hub; remains the caller's to close. */
  readonly bus: Bus;
  readonly store: CameraStore;
  readonly log: CameraLog;
  readonly streams: StreamsOfCameras;
  /** The same that streams are held to. */
  readonly policy: SourcePolicy;
  /** Whether a stream is being recorded now. Default: none is. */
  readonly recordingOf?: (streamId: string) => boolean;
  /** Where a stream can be had; `host` is how the client reached the hub. Default: nowhere. */
  readonly urlsOf?: (streamId: string, host: string | undefined) => StreamUrls;
  /** Where ONVIF cameras are asked to show themselves. Default: the multicast group of WS-Discovery on all interfaces. */
  readonly onvifProbe?: { readonly address: string; readonly port: number; readonly interfaces?: readonly string[] };
  readonly timing?: Partial<CameraTiming>;
}

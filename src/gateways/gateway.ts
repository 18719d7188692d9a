/** The gateway contract: who hands a stream to players that do not speak the bus. `builtin` and `mediamtx` both keep it, and run one suite. */
import type {
  CallContext,
  ComponentHealth,
  Config,
  GatewayPath,
  GatewayReader,
  GatewayState,
  Operation,
  RouteInput,
  Session,
  StreamAction,
  StreamToken,
  StreamUrls,
} from '../contracts/index.js';

/** The section `gateway` of the configuration. */
export type GatewaySettings = Config['gateway'];

/** Where the picture of a path comes from. */
export type PathSource =
  /** A capture device of the gateway's own machine: the gateway opens it, and nobody else. */
  | {
      readonly kind: 'v4l2';
      readonly devicePath: string;
      readonly width?: number;
      readonly height?: number;
      readonly frameRate?: number;
      /** Form in which the device is asked for its pictures; left out: FFmpeg chooses, raw ones first. */
      readonly inputFormat?: 'mjpeg';
    }
  /** An address with its credentials; pulled while somebody reads. */
  | { readonly kind: 'network'; readonly url: string }
  /** A stream of Weir, whatever its source, republished from the hub while somebody reads. */
  | { readonly kind: 'stream' };

/** One path that shall exist; its name is the stream's id. */
export interface PathWish {
  readonly streamId: string;
  readonly source: PathSource;
}

/** What should exist, told by whoever owns cameras and streams. */
export interface WishedPaths {
  /** All of them, as of now. */
  list(): readonly PathWish[] | Promise<readonly PathWish[]>;
  /** Calls back after a change; returns the way to end that. */
  onChange(listener: () => void): () => void;
}

/** Who is asking; the part of a principal that the gateway needs. */
export interface GatewayPrincipal {
  readonly kind: 'session' | 'token';
  /** Names the login, without its secret. */
  readonly id: string;
  readonly session: Session;
  /** The user with whose rights a stream token dies. */
  readonly madeBy?: string;
  /** A stream token that may publish. */
  readonly publishes?: boolean;
}

/** Checks credentials that players show. Both answer undefined for wrong ones. */
export interface GatewayAccess {
  /** API tokens, stream tokens, tokens of other programs. */
  byToken(secret: string): Promise<GatewayPrincipal | undefined>;
  /** Throws `resource_exhausted` after too many attempts. */
  byPassword(username: string, password: string, address: string): Promise<GatewayPrincipal | undefined>;
  /** What a principal that was let in earlier, maybe by an earlier hub, may do by now; undefined when its login is over. */
  rightsNow(principal: GatewayPrincipal): Promise<Session | undefined>;
  /** Calls back after somebody lost rights; returns the way to end that. */
  onRevoked(listener: () => void): () => void;
}

/** Makes the tokens that players carry, and tells what one that was shown is good for. */
export interface GatewayTokens {
  issue(request: {
    streamId: string;
    actions: readonly StreamAction[];
    expiresInS: number;
    subject: string;
    userId?: string | null;
  }): Promise<StreamToken>;
  /** The actions a stream token grants for this stream, and to whom; undefined when it is no stream token of ours, or not valid now. */
  grants(token: string, streamId: string): Promise<{ readonly actions: readonly StreamAction[]; readonly principal: GatewayPrincipal } | undefined>;
  /** Public keys, as JSON Web Keys. */
  jwks(): Promise<{ keys: Record<string, unknown>[] }>;
}

/** What happened on the gateway, told once it is known. */
export type GatewayEvent =
  | { readonly kind: 'state'; readonly state: GatewayState }
  | { readonly kind: 'path_ready' | 'path_not_ready'; readonly streamId: string }
  | { readonly kind: 'reader_joined' | 'reader_left'; readonly streamId: string; readonly readerId: string; readonly type: string };

/** How a path is recorded by the gateway itself. */
export interface GatewayRecordOrder {
  readonly format?: 'fmp4' | 'mpegts';
  /** A new file after so long; default 600. At most 86 400. */
  readonly segmentS?: number;
  /** Files older than this are deleted by the gateway; default 0: never. Not less than `segmentS`. */
  readonly deleteAfterS?: number;
}

/** One file that the gateway recorded. */
export interface GatewayRecording {
  readonly streamId: string;
  /** RFC 3339, as the gateway names it; give it back to delete the file. */
  readonly start: string;
  /** Null when the file cannot be seen from here. */
  readonly sizeBytes: number | null;
  /** Seconds of media in the file; null when nobody tells. */
  readonly durationS: number | null;
  /** Null when the file cannot be seen from here. */
  readonly file: string | null;
}

export type GatewayRouteName = 'get_gateway' | 'list_gateway_paths' | 'kick_gateway_reader' | 'gateway_auth' | 'create_stream_token' | 'jwks';

/** The routes of contracts/routes/gateway.ts. `gateway_auth` and `jwks` need no session. */
export interface GatewayOperations {
  readonly get_gateway: Operation<'get_gateway'>;
  readonly list_gateway_paths: Operation<'list_gateway_paths'>;
  readonly kick_gateway_reader: Operation<'kick_gateway_reader'>;
  /** Resolves when it is allowed; throws `unauthenticated` (401) for everything else. */
  readonly gateway_auth: (session: Session | undefined, input: RouteInput<'gateway_auth'>, context: CallContext) => Promise<undefined>;
  readonly create_stream_token: Operation<'create_stream_token'>;
  readonly jwks: (session: Session | undefined, input: RouteInput<'jwks'>, context: CallContext) => Promise<{ keys: Record<string, unknown>[] }>;
}

export interface Gateway extends GatewayBackend {
  readonly operations: GatewayOperations;
}

export interface SeenPath {
  readonly exists: boolean;
  readonly ready: boolean;
  readonly readers: number;
}

/** What each kind of gateway does. Every wait ends with `signal`. */
export interface GatewayBackend {
  /** State, version, features; never throws. */
  state(): GatewayState;
  /** Calls back with each event; returns the way to end that. */
  onEvent(listener: (event: GatewayEvent) => void): () => void;
  /** One part of the hub's health. */
  health(): ComponentHealth;
  /**
   * Changes host, commands, video and times while it runs; paths that differ are made again, and their readers come back by themselves.
   * Throws `invalid_argument` for a command that no camera can be published with, and keeps what it had. Everything else of the section
   * needs a restart and is not looked at.
   */
  configure(settings: GatewaySettings): void;
  /** The path as last seen, without asking anybody; undefined when nothing has been seen of it. */
  seen(streamId: string): SeenPath | undefined;
  /** Addresses that work right now. `host`: how the player reached the hub, port allowed. Unknown streams have none. */
  urlsOf(streamId: string, host: string): StreamUrls;
  /**
   * What Weir itself reads the stream of a device from, where this gateway opens the devices of this machine; undefined where it does not.
   * Whoever stores it as the source of the stream wishes the path to capture. Carries credentials.
   */
  sourceOf(streamId: string): string | undefined;
  /** Makes the path, or changes it to this; the same wish again does nothing. Lasts until removed, over restarts of the gateway. */
  ensurePath(wish: PathWish, signal?: AbortSignal): Promise<void>;
  /** Resolves also when there was none. */
  removePath(streamId: string, signal?: AbortSignal): Promise<void>;
  /** Makes what exists equal to what should; also runs by itself. Resolves with the number of paths made, changed and removed. */
  reconcile(signal?: AbortSignal): Promise<{ made: number; removed: number }>;
  /** All paths with their readers. Throws `unavailable` while the gateway does not answer. */
  paths(signal?: AbortSignal): Promise<GatewayPath[]>;
  /** `exists: false` for a path that is not there. */
  path(streamId: string, signal?: AbortSignal): Promise<GatewayPath>;
  readers(streamId: string, signal?: AbortSignal): Promise<GatewayReader[]>;
  /** Cuts a reader off. Throws `not_found`, or `unsupported` for a kind that this gateway cannot cut. */
  kick(streamId: string, readerId: string, signal?: AbortSignal): Promise<void>;
  /** Begins or (with null) ends recording by the gateway, without touching its readers. Does not start an idle source. */
  record(streamId: string, order: GatewayRecordOrder | null, signal?: AbortSignal): Promise<void>;
  /** What the gateway recorded of a stream, oldest first. */
  recordings(streamId: string, signal?: AbortSignal): Promise<GatewayRecording[]>;
  deleteRecording(streamId: string, start: string, signal?: AbortSignal): Promise<void>;
  /** Ends the gateway with everything it runs. */
  stop(): Promise<void>;
  /** Ends our part only: a supervised gateway runs on for the next hub. */
  detach(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

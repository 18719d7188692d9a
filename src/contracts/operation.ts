/** What an operation is: one function for each route, whatever the door it is called through. Doors check the input and translate; operations do the work. */
import type { Session } from './access.js';
import type { RouteAnswer, RouteInput, RouteName } from './routes.js';

/** Surroundings of one call. */
export interface CallContext {
  /** Ends every wait of the operation. */
  readonly signal: AbortSignal;
  /** For `events`: the value of `Last-Event-ID`, when the client sent one. */
  readonly lastEventId?: string;
  /** Address of the client, where the door knows it. */
  readonly address?: string;
  /** Host name (and port) the client reached the hub by; links are made with it. */
  readonly host?: string;
  /** For routes that `consumes` something: the body as it comes. */
  readonly incoming?: IncomingBody;
}

/** A body that nobody has read yet. It comes no faster than it is read; what is left of it when the operation ends is thrown away. */
export interface IncomingBody {
  /** With parameters, as it was sent: `multipart/form-data; boundary=...`. */
  readonly contentType: string;
  /** Null: not declared. */
  readonly sizeBytes: number | null;
  /** In Node a readable stream of byte chunks. Fails when the client goes away, or is too slow. */
  readonly stream: AsyncIterable<Uint8Array>;
}

/** Resumable uploads, protocol tus 1.0: a door of its own, since methods, statuses and headers are those of the protocol. */
export interface TusDoor {
  /** Answers every request that was admitted, failures included. */
  handle(request: TusRequest, session: Session): Promise<TusAnswer>;
  /** The answer to OPTIONS: what the door can do, which is the same for everybody. */
  describe(): Promise<TusAnswer>;
}

export interface TusRequest {
  /** After `X-HTTP-Method-Override`. */
  readonly method: 'POST' | 'HEAD' | 'PATCH' | 'DELETE';
  /** What stands behind `/api/v1/uploads/tus/`, decoded; undefined: nothing does. Not checked. */
  readonly uploadId: string | undefined;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly incoming: IncomingBody;
  readonly signal: AbortSignal;
}

export interface TusAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One operation: input already checked against the route, rights per stream checked by the operation itself. */
export type Operation<N extends RouteName, Answer = RouteAnswer<N>> = (
  session: Session,
  input: RouteInput<N>,
  context: CallContext,
) => Promise<Answer>;

/** A finished body with what a cache may do with it. */
export interface MediaFile {
  readonly contentType: string;
  readonly body: Uint8Array | string;
  /** Seconds a client may keep it; 0 means never. A segment never changes, a playlist and a still do. */
  readonly maxAgeS: number;
  /** Strong validator, quoted, where there is one: answer 304 when `If-None-Match` names it. */
  readonly etag?: string;
}

/** The answer is elsewhere, for now: the client asks there, and here again the next time. */
export interface Redirect {
  /** Relative to the address that was asked for, so that it is right behind any proxy. */
  readonly location: string;
  /** Pages of any origin may follow it. */
  readonly anyOrigin: boolean;
}

/** A body without an end. Iterate only as fast as the client takes it; stopping the iteration frees everything. */
export interface MediaFlow {
  readonly contentType: string;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A file that is served in whole or in part. */
export interface StoredFile {
  readonly contentType: string;
  /** For Content-Disposition: with extension, safe characters only. */
  readonly filename: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
  /** Quoted strong validator. */
  readonly etag: string;
  /** For files that are played rather than kept; left out: an attachment that asks for the login each time. */
  readonly delivery?: {
    readonly cacheControl: string;
    /** Texts: compressed for who takes it. */
    readonly compress: boolean;
    /** Pages of any origin may read it. */
    readonly anyOrigin: boolean;
  };
  /** Bytes `start` to `end`, both included. Stopping the iteration closes the file. */
  open(start: number, end: number): AsyncIterable<Uint8Array>;
}

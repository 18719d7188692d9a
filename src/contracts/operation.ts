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
  /** Bytes `start` to `end`, both included. Stopping the iteration closes the file. */
  open(start: number, end: number): AsyncIterable<Uint8Array>;
}

/** Whether a camera is there and can be shown, from all that is known of it. Pure. */
import type { CameraKind, CameraStatus, StreamReason, StreamStatus } from '../../contracts/index.js';

/** What a look at the address of a network camera told; `unknown` where nothing was or can be looked at. */
export type Reach = 'unknown' | 'reachable' | 'unreachable';

export interface StandingFacts {
  readonly kind: CameraKind;
  /** Of a capture device: it is plugged in. */
  readonly isPlugged: boolean;
  /** Why its capabilities could not be read. */
  readonly deviceError: string | undefined;
  readonly reach: Reach;
  /** What a look into its media said was wrong. */
  readonly mediaError: string | undefined;
  /** Somebody has looked into its media, or nobody can. */
  readonly isSeen: boolean;
  /** Why it has no stream although it should. */
  readonly definitionError: string | undefined;
  readonly stream: StreamStatus | null | undefined;
}

export interface CameraStanding {
  readonly status: CameraStatus;
  readonly error: string | null;
}

const connected: CameraStanding = { status: 'CONNECTED', error: null };
const disconnected: CameraStanding = { status: 'DISCONNECTED', error: null };

/** The source itself is away; everything else that is wrong with a stream is wrong with a camera that is there. */
const awayReasons: ReadonlySet<StreamReason> = new Set(['source_unreachable']);

export function standingOf(facts: StandingFacts): CameraStanding {
  return facts.kind === 'v4l2' ? ofDevice(facts) : ofAddress(facts);
}

function ofDevice({ isPlugged, deviceError, definitionError, stream }: StandingFacts): CameraStanding {
  if (!isPlugged) return disconnected;
  return faulty(deviceError ?? definitionError ?? streamError(stream)) ?? connected;
}

function ofAddress(facts: StandingFacts): CameraStanding {
  const { stream, reach } = facts;
  if (facts.definitionError !== undefined) return { status: 'ERROR', error: facts.definitionError };
  // The picture itself is the best witness, whatever else was seen.
  if (stream?.state === 'running' && stream.no_signal !== true) return connected;
  const error = streamError(stream);
  if (error !== undefined) {
    const isAway = reach === 'unreachable' || (stream?.reason !== undefined && awayReasons.has(stream.reason));
    return isAway ? disconnected : { status: 'ERROR', error };
  }
  if (reach === 'unreachable') return disconnected;
  const fault = faulty(facts.mediaError);
  if (fault !== undefined) return fault;
  const needsNoLook = facts.kind === 'test' || facts.kind === 'file';
  if (needsNoLook) return connected;
  // Whatever listens there may be no camera, or not this one.
  return reach === 'reachable' && facts.isSeen ? connected : disconnected;
}

function faulty(error: string | undefined): CameraStanding | undefined {
  return error === undefined ? undefined : { status: 'ERROR', error };
}

function streamError(stream: StreamStatus | null | undefined): string | undefined {
  if (stream?.state !== 'error' && stream?.no_signal !== true) return undefined;
  return stream.error ?? 'Its stream cannot run';
}

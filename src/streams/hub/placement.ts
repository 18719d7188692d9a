/** Which spoke serves which stream: a pure decision from what is wanted and what is there to a list of steps. */
import type { RecordingOrder, SpokeAssignment, StorageLimits, StreamConfig } from '../../contracts/index.js';

/** A stream that the hub manages, as the decision sees it. */
export interface WantedStream {
  readonly stream_id: string;
  readonly config: StreamConfig;
  /** True when it shall run now: desired, and for an on-demand stream also watched. */
  readonly isRunning: boolean;
  readonly revision: number;
  /** Spoke it must run on; null: any. */
  readonly pinned: string | null;
  /** What shall be recorded of it; left out: nothing. */
  readonly recordings?: readonly RecordingOrder[];
}

/** A spoke, as the decision sees it. */
export interface SpokeFacts {
  readonly spoke_id: string;
  readonly instance: string;
  readonly state: 'online' | 'draining' | 'lost';
  /** It has begun to drain by itself: it stops what it serves and takes no assignment any more. */
  readonly isClosed: boolean;
  /** When it was lost, on the clock of `nowMs`; meaningful only in that state. */
  readonly lostAtMs: number;
  /** Ids of a spoke that serves fixed streams; undefined: it takes what it is given. */
  readonly fixed: readonly string[] | undefined;
  /** Paths of its capture devices. */
  readonly devices: readonly string[];
  readonly cpuPercent: number;
  /** Streams of the assignment it last confirmed, as {@link assignmentKey}; undefined before the first. */
  readonly confirmed: string | undefined;
}

export interface PlacementInput {
  readonly streams: readonly WantedStream[];
  /** When spokes may not record; goes into each assignment. Left out: as each was started. */
  readonly storage?: StorageLimits | undefined;
  readonly spokes: readonly SpokeFacts[];
  /** Where each stream is now (placed by this hub, or reported by the spoke that serves it). */
  readonly placed: ReadonlyMap<string, string>;
  readonly nowMs: number;
  /** A lost spoke keeps its streams for so long: a restart of it is quicker than a move. */
  readonly graceMs: number;
  /** False while the hub has just started: spokes that were not heard yet keep their streams. */
  readonly isSettled: boolean;
}

export type AssignedStream = SpokeAssignment['streams'][number];

/** One thing to do. The executor runs them in order; running a list twice does no harm. */
export type PlacementStep =
  | { readonly kind: 'place'; readonly stream_id: string; readonly spoke_id: string; readonly from: string | null }
  | { readonly kind: 'displace'; readonly stream_id: string; readonly from: string }
  | { readonly kind: 'assign'; readonly spoke_id: string; readonly instance: string; readonly streams: readonly AssignedStream[] }
  | { readonly kind: 'homeless'; readonly stream_id: string; readonly message: string }
  | { readonly kind: 'housed'; readonly stream_id: string };

/** What must happen so that each stream is served by the right spoke. Equal input gives equal steps. */
export function decide(input: PlacementInput): PlacementStep[] {
  const spokes = new Map(input.spokes.map((spoke) => [spoke.spoke_id, spoke]));
  const steps: PlacementStep[] = [];
  const next = new Map<string, string>();
  const load = countLoad(input);

  for (const stream of [...input.streams].sort((a, b) => (a.stream_id < b.stream_id ? -1 : 1))) {
    const current = input.placed.get(stream.stream_id);
    const chosen = choose(stream, current, spokes, load, input);
    if (chosen !== undefined) {
      next.set(stream.stream_id, chosen);
      if (chosen !== current) {
        load.set(chosen, (load.get(chosen) ?? 0) + 1);
        steps.push({ kind: 'place', stream_id: stream.stream_id, spoke_id: chosen, from: current ?? null });
      }
    } else if (current !== undefined) {
      steps.push({ kind: 'displace', stream_id: stream.stream_id, from: current });
    }
    steps.push(...housing(stream, chosen, spokes, input));
  }
  return [...steps, ...assignments(input, next)];
}

/** Text that is equal exactly when two assignments mean the same. */
export function assignmentKey(streams: readonly AssignedStream[], storage?: StorageLimits): string {
  const limits = storage === undefined ? [] : [storage.block_percent, storage.min_free_bytes, storage.check_s];
  const wanted = streams.map((stream) => [stream.stream_id, stream.desired, stream.revision, stream.config, stream.recordings ?? []]);
  return JSON.stringify([limits, wanted]);
}

function countLoad(input: PlacementInput): Map<string, number> {
  const running = new Set(input.streams.filter((stream) => stream.isRunning).map((stream) => stream.stream_id));
  const load = new Map<string, number>();
  for (const [streamId, spokeId] of input.placed) if (running.has(streamId)) load.set(spokeId, (load.get(spokeId) ?? 0) + 1);
  return load;
}

function choose(
  stream: WantedStream,
  current: string | undefined,
  spokes: ReadonlyMap<string, SpokeFacts>,
  load: ReadonlyMap<string, number>,
  input: PlacementInput,
): string | undefined {
  const bound = input.spokes.find((spoke) => spoke.fixed?.includes(stream.stream_id) === true);
  if (bound !== undefined) return bound.spoke_id;
  if (stream.pinned !== null) return spokes.has(stream.pinned) || current === stream.pinned ? stream.pinned : undefined;
  const candidates = withDevice(
    stream,
    input.spokes.filter((spoke) => spoke.state === 'online' && spoke.fixed === undefined),
  );
  if (current !== undefined && mayKeep(stream, current, spokes.get(current), candidates, input)) return current;
  return [...candidates].sort((a, b) => rank(a, load) - rank(b, load) || (a.spoke_id < b.spoke_id ? -1 : 1))[0]?.spoke_id;
}

/** A running stream is moved only for a reason: each move is a gap in somebody's picture. */
function mayKeep(
  stream: WantedStream,
  current: string,
  spoke: SpokeFacts | undefined,
  candidates: readonly SpokeFacts[],
  input: PlacementInput,
): boolean {
  if (spoke === undefined) return !input.isSettled;
  if (spoke.fixed !== undefined) return false;
  if (spoke.state === 'draining') return !spoke.isClosed && candidates.length === 0;
  if (spoke.state === 'lost') return candidates.length === 0 || input.nowMs - spoke.lostAtMs < input.graceMs;
  return candidates.some((candidate) => candidate.spoke_id === current) || candidates.length === 0 || !isDevice(stream);
}

/** A capture device is used where it is plugged in; when no spoke reports it, any spoke may wait for it. */
function withDevice(stream: WantedStream, spokes: readonly SpokeFacts[]): readonly SpokeFacts[] {
  if (!isDevice(stream)) return spokes;
  const local = spokes.filter((spoke) => spoke.devices.includes(stream.config.device ?? ''));
  return local.length > 0 ? local : spokes;
}

function isDevice(stream: WantedStream): boolean {
  return stream.config.device?.startsWith('/dev/') === true;
}

/** Running streams first; processor load decides between spokes that run equally many. */
function rank(spoke: SpokeFacts, load: ReadonlyMap<string, number>): number {
  return (load.get(spoke.spoke_id) ?? 0) * 1000 + Math.min(999, spoke.cpuPercent);
}

function housing(stream: WantedStream, chosen: string | undefined, spokes: ReadonlyMap<string, SpokeFacts>, input: PlacementInput): PlacementStep[] {
  if (!stream.isRunning) return [{ kind: 'housed', stream_id: stream.stream_id }];
  const spoke = chosen === undefined ? undefined : spokes.get(chosen);
  if (spoke !== undefined && spoke.state !== 'lost' && !spoke.isClosed) return [{ kind: 'housed', stream_id: stream.stream_id }];
  const isPatient = !input.isSettled || (spoke?.state === 'lost' && input.nowMs - spoke.lostAtMs < input.graceMs);
  if (isPatient) return [];
  const where = stream.pinned !== null ? `spoke ${stream.pinned}, to which it is pinned, is not there` : 'no spoke is online';
  return [{ kind: 'homeless', stream_id: stream.stream_id, message: `${stream.stream_id} shall run, but ${where}` }];
}

function assignments(input: PlacementInput, placed: ReadonlyMap<string, string>): PlacementStep[] {
  const lists = new Map<string, AssignedStream[]>();
  for (const stream of input.streams) {
    const spokeId = placed.get(stream.stream_id);
    if (spokeId === undefined) continue;
    const list = lists.get(spokeId) ?? [];
    list.push({
      stream_id: stream.stream_id,
      config: stream.config,
      desired: stream.isRunning ? 'running' : 'stopped',
      revision: stream.revision,
      ...(stream.recordings === undefined || stream.recordings.length === 0 ? {} : { recordings: [...stream.recordings] }),
    });
    lists.set(spokeId, list);
  }
  const steps: Extract<PlacementStep, { kind: 'assign' }>[] = [];
  for (const spoke of input.spokes) {
    const streams = (lists.get(spoke.spoke_id) ?? []).sort((a, b) => (a.stream_id < b.stream_id ? -1 : 1));
    if (spoke.state === 'lost' || spoke.isClosed || spoke.confirmed === assignmentKey(streams, input.storage)) continue;
    // A fixed spoke that the hub has nothing for runs by its own configuration; an empty list would stop it.
    if (spoke.fixed !== undefined && streams.length === 0) continue;
    steps.push({ kind: 'assign', spoke_id: spoke.spoke_id, instance: spoke.instance, streams });
  }
  // Who gives a stream away hears it before who takes it, so that two encoders never publish one stream for long.
  const before = new Map<string, number>();
  for (const [streamId, spokeId] of input.placed) if (placed.get(streamId) !== spokeId) before.set(spokeId, 1);
  return steps.sort((a, b) => (before.get(b.spoke_id) ?? 0) - (before.get(a.spoke_id) ?? 0));
}

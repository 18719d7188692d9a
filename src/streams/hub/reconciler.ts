/** Makes what is wanted so: looks at everything, asks `decide`, carries the steps out. Repeats until nothing is left to do. */
import { type Problem, problemSchema, type StorageLimits } from '../../contracts/index.js';
import type { StreamRecord } from '../../store/index.js';
import type { AlertBook } from './alert-book.js';
import type { Definitions } from './definitions.js';
import type { HubAccess, HubParts, WantedRecordings } from './needs.js';
import type { Observations } from './observations.js';
import { type AssignedStream, assignmentKey, decide, type PlacementStep, type WantedStream } from './placement.js';
import type { Roster } from './roster.js';

/** Setting in which all hubs on one database keep where streams are, and the last revision they sent. */
const placementSetting = 'streams.placement';
const assignTimeoutMs = 5000;
const retryMs = 1000;

interface Confirmed {
  readonly instance: string;
  readonly key: string;
  readonly atMs: number;
  readonly streams: ReadonlySet<string>;
}

export interface ReconcilerOptions extends HubParts {
  readonly definitions: Definitions;
  readonly observations: Observations;
  readonly roster: Roster;
  readonly alerts: AlertBook;
  readonly access: HubAccess;
  /** Whether an on-demand stream is wanted now. */
  readonly isWatched: (streamId: string) => boolean;
  readonly recordings: WantedRecordings | undefined;
  /** Called after every full look. */
  readonly onPass: () => void;
}

/** Owns the placement. One pass at a time; wishes that come meanwhile lead to one more. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #placed = new Map<string, string>();
  readonly #confirmed = new Map<string, Confirmed>();
  readonly #refused = new Map<string, Problem>();
  readonly #startedAtMs = performance.now();
  #lastRevision = 0;
  #isKicked = false;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true });
  }

  /** Spoke that a stream is placed on. */
  spokeOf(streamId: string): string | undefined {
    return this.#placed.get(streamId);
  }

  streamsOf(spokeId: string): string[] {
    return [...this.#placed]
      .filter(([, placed]) => placed === spokeId)
      .map(([streamId]) => streamId)
      .sort();
  }

  /** Why the spoke did not take the stream, when it did not. */
  refusalOf(streamId: string): Problem | undefined {
    return this.#refused.get(streamId);
  }

  /** True when an online spoke has confirmed that it serves the stream, so that it answers for it. */
  isServed(streamId: string): boolean {
    const spokeId = this.#placed.get(streamId);
    if (spokeId === undefined) return false;
    const state = this.#options.roster.state(spokeId);
    return state !== undefined && state !== 'lost' && this.#confirmed.get(spokeId)?.streams.has(streamId) === true;
  }

  /** True while spokes that were not heard since the hub's start may still be there. */
  get isSettled(): boolean {
    return performance.now() - this.#startedAtMs >= Math.min(this.#options.timing.graceMs, this.#options.timing.spokeLostMs);
  }

  /** Something may have changed: look again soon. */
  kick(): void {
    this.#isKicked = true;
    if (this.#running !== undefined || this.#options.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isKicked) this.kick();
    });
  }

  /** Resolves when a pass that began after this call has ended. Rejects when `signal` aborts first. */
  async settle(signal: AbortSignal): Promise<void> {
    const before = this.#running;
    this.kick();
    await untilAborted(before, signal);
    await untilAborted(this.#running, signal);
  }

  /** Resolves when no pass runs any more; call it after the hub's signal has aborted. */
  async ended(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isKicked = false;
    const { timing, log, store, signal } = this.#options;
    let isComplete = false;
    try {
      // Hubs on one database take turns; whoever does not get the turn looks again later.
      await store.exclusive('streams.placement', async () => {
        isComplete = await this.#pass();
      });
      this.#options.onPass();
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'streams could not be placed; trying again');
    }
    if (signal.aborted) return;
    this.#timer = setTimeout(() => this.kick(), isComplete ? timing.reconcileMs : retryMs);
    this.#timer.unref();
  }

  /** False when a step failed and must be tried again. */
  async #pass(): Promise<boolean> {
    const { definitions, roster, timing, isWatched, recordings } = this.#options;
    const records = (await definitions.load()).filter((record) => record.managed);
    await this.#readPlacement(records);
    const spokes = roster.facts((spokeId, instance) => this.#confirmedKey(spokeId, instance));
    const storage = recordings?.limits?.();
    const steps = decide({
      storage,
      streams: records.map((record) => toWanted(record, isWatched, recordings)),
      spokes,
      placed: this.#placed,
      nowMs: performance.now(),
      graceMs: timing.graceMs,
      isSettled: this.isSettled,
    });
    const isMoved = this.#place(steps, records);
    const isComplete = await this.#assignAll(steps, storage);
    if (isMoved || steps.some((step) => step.kind === 'assign')) await this.#writePlacement();
    await this.#tellHousing(steps);
    return isComplete;
  }

  #place(steps: readonly PlacementStep[], records: readonly StreamRecord[]): boolean {
    let isMoved = false;
    const known = new Set(records.map((record) => record.stream_id));
    for (const streamId of [...this.#placed.keys()]) isMoved = (!known.has(streamId) && this.#placed.delete(streamId)) || isMoved;
    for (const step of steps) {
      if (step.kind === 'place') this.#placed.set(step.stream_id, step.spoke_id);
      else if (step.kind === 'displace') this.#placed.delete(step.stream_id);
      else continue;
      isMoved = true;
      this.#options.log.info(step, step.kind === 'place' ? 'stream placed' : 'stream has no spoke');
    }
    return isMoved;
  }

  async #assignAll(steps: readonly PlacementStep[], storage: StorageLimits | undefined): Promise<boolean> {
    const assigns = steps.filter((step) => step.kind === 'assign');
    const givers = new Set(steps.flatMap((step) => (step.kind === 'place' && step.from !== null ? [step.from] : [])));
    const first = assigns.filter((step) => givers.has(step.spoke_id));
    const rest = assigns.filter((step) => !givers.has(step.spoke_id));
    let isComplete = true;
    for (const group of [first, rest]) {
      const done = await Promise.all(group.map((step) => this.#assign(step, storage)));
      isComplete = isComplete && done.every((one) => one);
    }
    if (assigns.length > 0) this.#options.log.debug({ assigned: assigns.length }, 'assignments sent');
    return isComplete;
  }

  async #assign(step: Extract<PlacementStep, { kind: 'assign' }>, storage: StorageLimits | undefined): Promise<boolean> {
    const { roster, access, signal, log } = this.#options;
    const streamIds = step.streams.map((stream) => stream.stream_id);
    try {
      await access.bindSpoke?.(step.spoke_id, streamIds, signal);
      const assignment = this.#assignment(step.streams, storage);
      const reply = await roster.command(step.spoke_id, { action: 'assign', assignment }, assignTimeoutMs, signal);
      await this.#noteRefusals(streamIds, reply.result);
    } catch (error) {
      // Asked again with the next pass: the list is complete each time, so nothing is lost by a missed one.
      this.#confirmed.delete(step.spoke_id);
      if (!signal.aborted)
        log.warn({ err: error, spoke_id: step.spoke_id, streams: streamIds.length }, 'the spoke did not take its streams; trying again');
      return false;
    }
    this.#confirmed.set(step.spoke_id, {
      instance: step.instance,
      key: assignmentKey(step.streams, storage),
      atMs: performance.now(),
      streams: new Set(streamIds.filter((streamId) => !this.#refused.has(streamId))),
    });
    return true;
  }

  async #noteRefusals(streamIds: readonly string[], result: unknown): Promise<void> {
    const refused = readRefusals(result);
    for (const streamId of streamIds) {
      const problem = refused.get(streamId);
      if (problem === undefined) {
        if (this.#refused.delete(streamId)) await this.#options.alerts.clear('stream_refused', streamId);
        continue;
      }
      this.#refused.set(streamId, problem);
      const alert = {
        severity: 'error',
        kind: 'stream_refused',
        message: `The spoke refused ${streamId}: ${problem.detail}`.slice(0, 1024),
        stream_id: streamId,
      } as const;
      await this.#options.alerts.raise(problem.hint === undefined ? alert : { ...alert, hint: problem.hint });
    }
  }

  #assignment(streams: readonly AssignedStream[], storage: StorageLimits | undefined) {
    // From the clock, so that it grows over restarts; from the last one, so that it grows within a millisecond.
    this.#lastRevision = Math.max(this.#lastRevision + 1, Date.now());
    const limits = storage === undefined ? {} : { storage };
    return { streams: [...streams], ...limits, revision: this.#lastRevision, timestamp: new Date().toISOString() };
  }

  #confirmedKey(spokeId: string, instance: string): string | undefined {
    const confirmed = this.#confirmed.get(spokeId);
    if (confirmed === undefined || confirmed.instance !== instance) return undefined;
    return performance.now() - confirmed.atMs < this.#options.timing.reassignMs ? confirmed.key : undefined;
  }

  async #readPlacement(records: readonly StreamRecord[]): Promise<void> {
    const kept = (await this.#options.store.settings.get(placementSetting)) as { placed?: Record<string, string>; revision?: number } | undefined;
    this.#lastRevision = Math.max(this.#lastRevision, kept?.revision ?? 0);
    this.#placed.clear();
    for (const [streamId, spokeId] of Object.entries(kept?.placed ?? {})) this.#placed.set(streamId, spokeId);
    for (const { stream_id: streamId } of records) {
      // What no hub remembers, the spoke that serves it tells.
      const reported = this.#options.observations.get(streamId)?.status;
      if (!this.#placed.has(streamId) && reported?.spoke_id !== undefined && reported.state !== 'stopped')
        this.#placed.set(streamId, reported.spoke_id);
    }
  }

  async #writePlacement(): Promise<void> {
    await this.#options.store.settings.set(placementSetting, { placed: Object.fromEntries(this.#placed), revision: this.#lastRevision });
  }

  async #tellHousing(steps: readonly PlacementStep[]): Promise<void> {
    const { alerts } = this.#options;
    for (const step of steps) {
      if (step.kind === 'homeless') {
        await alerts.raise({
          severity: 'error',
          kind: 'no_spoke',
          message: step.message,
          hint: 'Start a spoke: weir spoke',
          stream_id: step.stream_id,
        });
      } else if (step.kind === 'housed') {
        await alerts.clear('no_spoke', step.stream_id);
      }
    }
  }
}

/** What a spoke answers to an assignment: the streams of it that it did not take. */
function readRefusals(result: unknown): Map<string, Problem> {
  const refused = (result as { refused?: unknown } | null | undefined)?.refused;
  const found = new Map<string, Problem>();
  for (const one of Array.isArray(refused) ? refused : []) {
    const { stream_id: streamId, error } = one as { stream_id?: unknown; error?: unknown };
    const problem = problemSchema.safeParse(error);
    if (typeof streamId === 'string' && problem.success) found.set(streamId, problem.data);
  }
  return found;
}

function toWanted(record: StreamRecord, isWatched: (streamId: string) => boolean, recordings: WantedRecordings | undefined): WantedStream {
  const orders = recordings?.ordersOf(record.stream_id) ?? [];
  return {
    stream_id: record.stream_id,
    config: record.config,
    // A recording runs the stream whatever else is wanted: a recorder that can be switched off by closing a page would be none.
    isRunning: isWanted(record, isWatched) || recordings?.isWanted(record.stream_id) === true,
    revision: record.revision,
    pinned: record.spoke,
    ...(orders.length === 0 ? {} : { recordings: orders }),
  };
}

/** Whether a stream shall run now. */
export function isWanted(record: Pick<StreamRecord, 'stream_id' | 'desired' | 'on_demand'>, isWatched: (streamId: string) => boolean): boolean {
  return record.desired === 'running' && (!record.on_demand || isWatched(record.stream_id));
}

async function untilAborted(work: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  if (work === undefined) return;
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}

/** What is to be recorded: orders by hand and by plan, kept in SQL, told to spokes ahead of time. */
import { randomUUID } from 'node:crypto';
import { type RecordingOrder, type RecordingPolicy, type StartRecording, WeirError } from '../../contracts/index.js';
import type { PolicyRecord, RecordingRecord } from '../../store/index.js';
import type { RecordingsParts } from './needs.js';
import { plannedId, windowsWithin } from './plan.js';
import { endOf, isDue, toOrder } from './recording-view.js';
import { checkTimeZone } from './time-zone.js';

/** Spokes know the plans of so long ahead, so that they record them without the hub. */
const aheadMs = 24 * 3600_000;
/** Plans are renewed when less than that is left of what was planned. */
const renewMs = 23 * 3600_000;
/** Most orders of one stream in an assignment. */
const maxOrders = 64;
/** Another hub on the same database may have changed something. */
const reloadMs = 5000;

const ranks = { manual: 0, schedule: 1, always: 2 } as const;

export interface OrdersOptions extends RecordingsParts {
  /** IANA name that plans without one mean; default: that of this machine. */
  readonly timeZone?: string | undefined;
}

/** Owns the orders. Reads come from memory, which every change and every reload brings up to date. */
export class Orders {
  readonly #options: OrdersOptions;
  #open = new Map<string, RecordingRecord>();
  #policies = new Map<string, PolicyRecord>();
  /** Orders of each stream as spokes were last to hear them, to see changes that time alone makes. */
  readonly #told = new Map<string, string>();
  #loadedAtMs = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  /** Reads everything; must have happened before anybody asks for orders. */
  load(): Promise<void> {
    return this.#inTurn(() => this.#load());
  }

  /** Looks whether time has brought something: plans to make, orders that have ended, windows that begin. */
  async tick(): Promise<void> {
    await this.#inTurn(async () => {
      if (performance.now() - this.#loadedAtMs >= reloadMs) await this.#load();
      const nowMs = Date.now();
      for (const policy of this.#policies.values()) await this.#plan(policy, nowMs);
    });
    for (const streamId of this.#streams()) {
      const key = `${JSON.stringify(this.ordersOf(streamId))}${this.isWanted(streamId)}`;
      if (this.#told.get(streamId) === key) continue;
      this.#told.set(streamId, key);
      this.#options.streams.kick(streamId);
    }
  }

  ordersOf(streamId: string): RecordingOrder[] {
    const nowMs = Date.now();
    return this.#ofStream(streamId)
      .filter((record) => endOf(record) > nowMs && record.from_ms <= nowMs + aheadMs)
      .slice(0, maxOrders)
      .map(toOrder);
  }

  isWanted(streamId: string): boolean {
    const nowMs = Date.now();
    return this.#ofStream(streamId).some((record) => record.from_ms <= nowMs + this.#options.timing.leadMs && endOf(record) > nowMs);
  }

  /** The order that is due now and goes first: by hand, then by schedule, then always. */
  dueOf(streamId: string): RecordingRecord | undefined {
    const nowMs = Date.now();
    return this.#ofStream(streamId)
      .filter((record) => isDue(record, nowMs))
      .sort((a, b) => ranks[a.origin] - ranks[b.origin] || a.from_ms - b.from_ms)[0];
  }

  /** The order by hand that is due. */
  manualOf(streamId: string): RecordingRecord | undefined {
    const due = this.dueOf(streamId);
    return due?.origin === 'manual' ? due : undefined;
  }

  /** Streams of which something is to be recorded now. */
  dueStreams(): string[] {
    return this.#streams().filter((streamId) => this.dueOf(streamId) !== undefined);
  }

  get(recordingId: string): RecordingRecord | undefined {
    return this.#open.get(recordingId);
  }

  policyOf(streamId: string): RecordingPolicy {
    return this.#policies.get(streamId)?.policy ?? { mode: 'off' };
  }

  /** Streams that keep their recordings for a time of their own, in days; null keeps them for ever. */
  ownAges(): Map<string, number | null> {
    const ages = new Map<string, number | null>();
    for (const { stream_id, policy } of this.#policies.values()) if (policy.max_age_days !== undefined) ages.set(stream_id, policy.max_age_days);
    return ages;
  }

  /** Makes an order by hand. Throws `failed_precondition` when there is one. */
  async begin(streamId: string, request: StartRecording, by: string): Promise<RecordingRecord> {
    const { store, settings } = this.#options;
    const { recordings } = settings();
    const nowMs = Date.now();
    const durationMs = request.duration_s === undefined ? null : request.duration_s * 1000;
    const record: RecordingRecord = {
      ...emptyRecord,
      recording_id: `r-${randomUUID().slice(0, 13)}`,
      stream_id: streamId,
      origin: 'manual',
      format: request.format ?? recordings.format,
      segment_s: request.segment_s ?? recordings.segment_s,
      segment_bytes: request.segment_bytes ?? recordings.segment_bytes,
      // A length that is asked for is what the file shall last; what was before it is put there for whom asks.
      pre_roll_s: request.pre_roll_s ?? (durationMs === null ? Math.min(60, recordings.pre_roll_s) : 0),
      from_ms: nowMs,
      until_ms: durationMs === null ? null : nowMs + durationMs,
      duration_ms: durationMs,
      requested_by: by,
      requested_ms: nowMs,
    };
    await this.#inTurn(async () => {
      await store.transaction(async (tx) => {
        await tx.lock(`recording.${streamId}`);
        const others = (await tx.recordings.within(streamId, nowMs, nowMs + 1)).filter((one) => one.origin === 'manual' && isDue(one, nowMs));
        if (others[0] !== undefined) throw alreadyRecording(streamId, others[0]);
        await tx.recordings.insert(record);
      });
      this.#open.set(record.recording_id, record);
    });
    this.#kick(streamId);
    return record;
  }

  /** Calls an order off; it is closed when its spoke has said its last word. */
  async end(record: RecordingRecord): Promise<void> {
    const changes = { until_ms: Math.min(record.until_ms ?? Number.POSITIVE_INFINITY, Date.now()) };
    await this.#inTurn(async () => {
      await this.#options.store.recordings.update(record.recording_id, changes);
      this.#open.set(record.recording_id, { ...record, ...changes });
    });
    this.#kick(record.stream_id);
  }

  /** The first frame came late: a length that was asked for counts from there. */
  async began(recordingId: string, firstFrameMs: number): Promise<void> {
    const record = this.#open.get(recordingId);
    if (record === undefined || record.duration_ms === null || endOf(record) <= Date.now()) return;
    // Frames from memory before the begin do not shorten what was asked for.
    const until_ms = Math.max(record.until_ms ?? 0, firstFrameMs + record.duration_ms);
    const changes = { until_ms, duration_ms: null };
    this.#open.set(recordingId, { ...record, ...changes });
    await this.#inTurn(() => this.#options.store.recordings.update(recordingId, changes));
    if (until_ms !== record.until_ms) this.#kick(record.stream_id);
  }

  /** An order is over and its spoke has said so, or nobody will. */
  async close(recordingId: string, changes: Partial<RecordingRecord>): Promise<void> {
    await this.#inTurn(async () => {
      await this.#options.store.recordings.update(recordingId, changes);
      this.#open.delete(recordingId);
    });
  }

  /** Takes a policy over from now on. Throws `invalid_argument`. */
  async setPolicy(streamId: string, policy: RecordingPolicy): Promise<RecordingPolicy> {
    checkPolicy(policy);
    const nowMs = Date.now();
    await this.#inTurn(async () => {
      await this.#dropPlans(streamId, policy, nowMs);
      const record: PolicyRecord = { stream_id: streamId, policy, planned_ms: nowMs };
      await this.#options.store.recordings.putPolicy(record);
      this.#policies.set(streamId, record);
      await this.#plan(record, nowMs);
    });
    this.#kick(streamId);
    return policy;
  }

  /** The stream goes: nothing of it is wanted any more. */
  async forget(streamId: string): Promise<void> {
    const nowMs = Date.now();
    await this.#inTurn(async () => {
      await this.#dropPlans(streamId, { mode: 'off' }, nowMs);
      for (const record of this.#ofStream(streamId))
        if (record.origin === 'manual' && endOf(record) > nowMs) await this.#change(record, { until_ms: nowMs });
      await this.#options.store.recordings.deletePolicy(streamId);
      this.#policies.delete(streamId);
    });
    this.#kick(streamId);
    this.#told.delete(streamId);
  }

  /** Every order that has not been closed, those that only wait for their spoke's last word included. */
  open(): RecordingRecord[] {
    return [...this.#open.values()];
  }

  /** Streams with orders or a policy. */
  known(): string[] {
    return [...new Set([...this.#streams(), ...this.#policies.keys()])];
  }

  /** Tells everybody that orders of a stream have changed. */
  #kick(streamId: string): void {
    this.#told.set(streamId, `${JSON.stringify(this.ordersOf(streamId))}${this.isWanted(streamId)}`);
    this.#options.streams.kick(streamId);
  }

  async #load(): Promise<void> {
    const { store } = this.#options;
    const [open, policies] = [await store.recordings.open(), await store.recordings.policies()];
    this.#open = new Map(open.map((record) => [record.recording_id, record]));
    this.#policies = new Map(policies.map((policy) => [policy.stream_id, policy]));
    this.#loadedAtMs = performance.now();
  }

  /** Ends plans of before that the new policy does not have; what has not begun is taken back altogether. */
  async #dropPlans(streamId: string, policy: RecordingPolicy, nowMs: number): Promise<void> {
    const { store, settings, timeZone } = this.#options;
    const windows = windowsWithin(policy, timeZone, nowMs, nowMs + aheadMs);
    const kept = new Map(windows.map((span) => [plannedId(streamId, span.from_ms), span.until_ms]));
    const looks = looksOf(policy, settings().recordings);
    for (const record of this.#ofStream(streamId)) {
      if (record.origin === 'manual' || endOf(record) <= nowMs) continue;
      const isSameLook = record.format === looks.format && record.segment_s === looks.segment_s && record.segment_bytes === looks.segment_bytes;
      if (record.origin === 'always' && policy.mode === 'always' && isSameLook) continue;
      const until = record.origin === 'schedule' ? kept.get(record.recording_id) : undefined;
      if (until !== undefined) await this.#change(record, { until_ms: until, ...looks });
      else if (record.from_ms > nowMs) {
        await store.recordings.delete(record.recording_id);
        this.#open.delete(record.recording_id);
      } else await this.#change(record, { until_ms: nowMs });
    }
  }

  async #change(record: RecordingRecord, changes: Partial<RecordingRecord>): Promise<void> {
    await this.#options.store.recordings.update(record.recording_id, changes);
    this.#open.set(record.recording_id, { ...record, ...changes });
  }

  /** Makes the orders of a policy up to 24 hours ahead; windows that were missed while nobody planned are noted as well. */
  async #plan(record: PolicyRecord, nowMs: number): Promise<void> {
    const { stream_id: streamId, policy, planned_ms: plannedMs } = record;
    if (policy.mode === 'always') await this.#planAlways(streamId, policy, nowMs);
    if (policy.mode !== 'schedule' || plannedMs - nowMs > renewMs) return;
    const until = nowMs + aheadMs;
    for (const span of windowsWithin(policy, this.#options.timeZone, plannedMs, until))
      await this.#insert(this.#planned(streamId, policy, 'schedule', span));
    const next = { ...record, planned_ms: until };
    await this.#options.store.recordings.putPolicy(next);
    this.#policies.set(streamId, next);
  }

  async #planAlways(streamId: string, policy: RecordingPolicy, nowMs: number): Promise<void> {
    const running = this.#ofStream(streamId).some((record) => record.origin === 'always' && endOf(record) > nowMs);
    if (!running) await this.#insert(this.#planned(streamId, policy, 'always', { from_ms: nowMs, until_ms: null }));
  }

  async #insert(record: RecordingRecord): Promise<void> {
    try {
      await this.#options.store.recordings.insert(record);
      this.#open.set(record.recording_id, record);
    } catch (error) {
      // Planned by another hub, or before a policy was set again to what it was.
      if (!(error instanceof WeirError) || error.code !== 'already_exists') throw error;
      await this.#options.store.recordings.update(record.recording_id, { until_ms: record.until_ms, ended_ms: null });
      const known = await this.#options.store.recordings.get(record.recording_id);
      if (known !== undefined) this.#open.set(known.recording_id, known);
    }
  }

  #planned(
    streamId: string,
    policy: RecordingPolicy,
    origin: 'always' | 'schedule',
    span: { from_ms: number; until_ms: number | null },
  ): RecordingRecord {
    const nowMs = Date.now();
    return {
      ...emptyRecord,
      ...looksOf(policy, this.#options.settings().recordings),
      recording_id: plannedId(streamId, span.from_ms),
      stream_id: streamId,
      origin,
      ...span,
      requested_by: 'policy',
      requested_ms: Math.min(nowMs, span.from_ms),
    };
  }

  #ofStream(streamId: string): RecordingRecord[] {
    return [...this.#open.values()].filter((record) => record.stream_id === streamId).sort((a, b) => a.from_ms - b.from_ms);
  }

  #streams(): string[] {
    return [...new Set([...this.#open.values()].map((record) => record.stream_id))];
  }

  /** One change at a time: a reload between a change in SQL and the one in memory would undo it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work);
    this.#turn = run.catch(() => undefined);
    return run;
  }
}

const emptyRecord = {
  pre_roll_s: 0,
  duration_ms: null,
  ended_ms: null,
  state: 'starting',
  cause: null,
  error: null,
  filename: null,
  started_ms: null,
  stopped_ms: null,
  elapsed_ms: 0,
  size_bytes: 0,
  segments: 0,
} as const;

function looksOf(policy: RecordingPolicy, defaults: { format: RecordingRecord['format']; segment_s: number; segment_bytes: number }) {
  return {
    format: policy.format ?? defaults.format,
    segment_s: policy.segment_s ?? defaults.segment_s,
    segment_bytes: policy.segment_bytes ?? defaults.segment_bytes,
  };
}

function checkPolicy(policy: RecordingPolicy): void {
  if (policy.time_zone !== undefined) checkTimeZone(policy.time_zone);
  if (policy.mode !== 'schedule') return;
  if (policy.windows === undefined || policy.windows.length === 0)
    throw new WeirError('invalid_argument', 'A schedule needs at least one window', { field: 'windows', received: policy.windows ?? null });
}

/** What answers a start of what runs already. */
export function alreadyRecording(streamId: string, record: RecordingRecord): WeirError {
  return new WeirError('failed_precondition', `${streamId} is being recorded already, since ${new Date(record.from_ms).toISOString()}`, {
    facts: { state: 'recording', allowed_states: ['stopped'], recording_id: record.recording_id },
    hint: 'Stop it first',
  });
}

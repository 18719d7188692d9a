/** Tells the results of jobs to the addresses that asked for it: signed as Standard Webhooks say, again and again for about two days. */
import { WeirError } from '../../contracts/index.js';
import type { CallbackChanges, CallbackRecord } from '../../store/index.js';
import type { GuardedResponse } from '../net/guarded-request.js';
import type { QueueParts } from './parts.js';
import { formatTime } from './view.js';

/** Deliveries under way at the same time. */
const concurrency = 8;
const tickMs = 5000;
const maxPauseMs = 24 * 3600_000;
const gone = 410;

export class Callbacks {
  readonly #parts: QueueParts;
  readonly #secret: string;
  readonly #active = new Map<string, Promise<void>>();
  readonly counters = { delivered: 0, failed: 0 };
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isAsked = false;
  #isStopped = false;

  /** Throws `invalid_argument` when the secret is none. */
  constructor(parts: QueueParts, secret: string) {
    this.#parts = parts;
    this.#secret = formatSecret(secret);
  }

  /** For the receiver, with prefix. */
  get secret(): string {
    return this.#secret;
  }

  /** Some callback may be due. */
  kick(): void {
    if (this.#isStopped) return;
    this.#isAsked = true;
    if (this.#isLooking) return;
    clearTimeout(this.#timer);
    this.#isLooking = true;
    void this.#lookOnce();
  }

  /** Never rejects. */
  async #lookOnce(): Promise<void> {
    const waitMs = await this.#look().catch((error: unknown) => {
      this.#parts.log.warn({ err: error }, 'callbacks could not be read; trying again');
      return tickMs;
    });
    this.#isLooking = false;
    if (this.#isStopped) return;
    if (this.#isAsked) {
      this.kick();
      return;
    }
    this.#timer = setTimeout(() => this.kick(), waitMs);
    this.#timer.unref();
  }

  /** Waits for what is under way; its answers are kept. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#active.values());
  }

  /** Delivers it now, once more, whatever became of it. Throws `not_found`. */
  async replay(callbackId: string): Promise<CallbackRecord> {
    const changes: CallbackChanges = { state: 'waiting', attempts: 0, next_ms: this.#parts.now(), delivered_at: null };
    const record = await this.#parts.store.callbacks.update(callbackId, changes);
    this.kick();
    return record;
  }

  /** Starts what is due; resolves to the time until the next look. */
  async #look(): Promise<number> {
    this.#isAsked = false;
    const { store, now, timing } = this.#parts;
    const free = concurrency - this.#active.size;
    const due = free > 0 ? await store.callbacks.due(now(), free) : [];
    for (const callback of due) {
      // A hub that ends in the middle leaves it to the next one.
      if (!(await store.callbacks.take(callback, now() + 2 * timing.callbackTimeoutMs))) continue;
      const running = this.#deliver(callback).finally(() => {
        this.#active.delete(callback.callback_id);
        this.kick();
      });
      this.#active.set(callback.callback_id, running);
    }
    if (this.#active.size > 0) return tickMs;
    const next = await store.callbacks.nextDue();
    return next === null ? tickMs : Math.min(tickMs, Math.max(5, next - now()));
  }

  async #deliver(callback: CallbackRecord): Promise<void> {
    const { store, log, settings } = this.#parts;
    const outcome = await this.#attempt(callback);
    const attempts = callback.attempts + 1;
    const changes = this.#after(outcome, attempts);
    try {
      await store.callbacks.update(callback.callback_id, { ...changes, attempts });
      if (outcome.status === gone) await store.callbacks.disableUrl(callback.url, 'the receiver answered 410: it wants no more');
      await this.#note(callback, changes);
    } catch (error) {
      log.warn({ err: error, callback_id: callback.callback_id }, 'what became of a callback could not be kept; it is sent again');
    }
    if (changes.state === 'delivered') this.counters.delivered += 1;
    else {
      this.counters.failed += 1;
      const fields = { callback_id: callback.callback_id, url: callback.url, attempts, of: settings.callback_attempts, error: outcome.error };
      log.warn(fields, 'a callback was not taken');
    }
  }

  async #attempt(callback: CallbackRecord): Promise<{ status: number | null; error: string | null; retryAfterMs: number | null; final: boolean }> {
    const { settings, timing, signal, now } = this.#parts;
    const at = new Date(now());
    // Few hubs ever call back: loaded with the first.
    const [{ guardedRequest }, { Webhook }] = await Promise.all([import('../net/guarded-request.js'), import('standardwebhooks')]);
    let response: GuardedResponse;
    try {
      response = await guardedRequest(callback.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': callback.callback_id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': new Webhook(this.#secret).sign(callback.callback_id, at, callback.body),
        },
        body: callback.body,
        allowedHosts: settings.fetch_hosts,
        field: 'callback_url',
        timeoutMs: timing.callbackTimeoutMs,
        signal,
      });
    } catch (thrown) {
      const error = WeirError.from(thrown);
      // What is refused today may be allowed tomorrow; what is no address never becomes one.
      return {
        status: null,
        error: `${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`,
        retryAfterMs: null,
        final: error.code === 'invalid_argument',
      };
    }
    response.discard();
    const { status, headers } = response;
    const isTaken = status >= 200 && status < 300;
    const error = isTaken ? null : status >= 300 && status < 400 ? `answered ${status}; redirects are not followed` : `answered ${status}`;
    return { status, error, retryAfterMs: parseRetryAfter(headers['retry-after'], now()), final: false };
  }

  #after(outcome: { status: number | null; error: string | null; retryAfterMs: number | null; final: boolean }, attempts: number): CallbackChanges {
    const { settings, timing, now } = this.#parts;
    const seen = { last_status: outcome.status, last_error: outcome.error?.slice(0, 500) ?? null };
    if (outcome.error === null) return { ...seen, state: 'delivered', next_ms: null, delivered_at: formatTime(now()) };
    if (outcome.status === gone) return { ...seen, state: 'disabled', next_ms: null };
    if (outcome.final || attempts >= settings.callback_attempts) return { ...seen, state: 'failed', next_ms: null };
    const delays = timing.callbackDelaysMs;
    const planned = delays[Math.min(attempts, delays.length) - 1] ?? maxPauseMs;
    // So that many that failed together do not come back together.
    const spread = planned * (0.9 + Math.random() * 0.2);
    return { ...seen, state: 'waiting', next_ms: Math.round(now() + Math.min(maxPauseMs, Math.max(spread, outcome.retryAfterMs ?? 0))) };
  }

  /** A line in the job's history when it is settled. */
  async #note(callback: CallbackRecord, { state, last_error }: CallbackChanges): Promise<void> {
    if (state === 'waiting' || callback.job_id === null) return;
    const { store, now } = this.#parts;
    const job = await store.jobs.get(callback.job_id);
    if (job === undefined) return;
    const detail = `${callback.event} ${state}${last_error === null ? '' : `: ${last_error}`}`;
    const { attempt, revision } = job;
    await store.jobs.addEvent(job.job_id, { at: formatTime(now()), kind: 'callback', attempt, revision, worker_id: null, detail });
  }
}

/** Seconds, or a date. */
function parseRetryAfter(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, maxPauseMs) : null;
}

/** As receivers take it: base64 with prefix. Secrets of the data folder are base64url. */
function formatSecret(secret: string): string {
  const bytes = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  if (bytes.length < 24 || bytes.length > 64) {
    throw new WeirError('invalid_argument', `The secret of callbacks has ${bytes.length} bytes, 24 to 64 are needed`, { field: 'callback_secret' });
  }
  return `whsec_${bytes.toString('base64')}`;
}

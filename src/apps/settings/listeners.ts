/** Those who follow changes: each hears of its section, all of them or none keep the change. */
import { type Config, WeirError } from '../../contracts/index.js';
import { appliesOf } from './applies.js';
import type { SectionListener, SettingsSection } from './needs.js';

const listenerLimitMs = 10_000;

interface Subscription {
  readonly section: SettingsSection;
  readonly listener: SectionListener<SettingsSection>;
  readonly keys: ReadonlySet<string> | undefined;
}

/** Keeps the listeners and carries changes to them. */
export class Listeners {
  readonly #subscriptions = new Set<Subscription>();

  add<S extends SettingsSection>(section: S, listener: SectionListener<S>, keys?: readonly string[]): () => void {
    const subscription: Subscription = {
      section,
      listener: listener as unknown as SectionListener<SettingsSection>,
      keys: keys === undefined ? undefined : new Set(keys),
    };
    this.#subscriptions.add(subscription);
    return () => void this.#subscriptions.delete(subscription);
  }

  /** Whether a change of this key comes into effect now: it can, and somebody listens for it. */
  isLive(key: string): boolean {
    return appliesOf.get(key) === 'at_once' && [...this.#subscriptions].some((one) => hears(one, key));
  }

  /**
   * Tells the change of these keys to everyone concerned, one after the other. When one fails, those told before (and itself) are told the
   * way back, and the failure is thrown as `failed_precondition`.
   */
  async apply(keys: readonly string[], before: Config, now: Config): Promise<void> {
    const told: Subscription[] = [];
    for (const one of this.#subscriptions) {
      const own = keys.filter((key) => hears(one, key));
      if (own.length === 0) continue;
      told.push(one);
      try {
        await tell(one, own, before, now);
      } catch (cause) {
        for (const back of told.reverse())
          await tell(
            back,
            keys.filter((key) => hears(back, key)),
            now,
            before,
          ).catch(() => undefined);
        const error = WeirError.from(cause);
        throw new WeirError('failed_precondition', `${own.join(', ')} could not be applied: ${error.message}`, {
          ...(error.hint === undefined ? {} : { hint: error.hint }),
          errors: own.map((field) => ({ field, message: error.message })),
          cause,
        });
      }
    }
  }
}

function hears({ section, keys }: Subscription, key: string): boolean {
  return key.startsWith(`${section}.`) && (keys === undefined || keys.has(key));
}

async function tell({ section, listener }: Subscription, keys: readonly string[], before: Config, now: Config): Promise<void> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new WeirError('deadline_exceeded', `nobody confirmed it within ${listenerLimitMs / 1000} s`);
      limit.abort(error);
      reject(error);
    }, listenerLimitMs);
  });
  try {
    await Promise.race([listener({ now: now[section], before: before[section], keys }, limit.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

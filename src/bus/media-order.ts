/** Order of media: each fragment once, an init segment before its epoch, a keyframe first and after each gap. */
import { type MediaKind, mediaHeaders, mediaKinds } from '../contracts/index.js';
import type { MediaReaderOptions, ReadFragment, ReadGap, ReadInit } from './media-reader.js';
import type { PulledMessage } from './pull.js';

/** `no_init`: the epoch's init segment was never seen, so nothing of it can be shown. */
export type OrderOutcome = 'delivered' | 'init' | 'skipped' | 'no_init';

export interface MediaOrder {
  take(message: PulledMessage): Promise<OrderOutcome>;
  /** Begins an epoch with an init segment that came by another way; nothing happens when it has begun already. */
  begin(init: ReadInit): Promise<void>;
  /** The next gap was made on purpose. */
  expectJump(): void;
}

type Receivers = Pick<MediaReaderOptions, 'onInit' | 'onFragment'> & { onGap: (gap: ReadGap) => void };

/**
 * Epochs are named by the clock of their publisher. When only an older one has come for so long, it is no repetition (those pass in a
 * burst): the clock was set back, or another spoke with a slower one took over.
 */
const olderIsNewAfterMs = 3000;

/** `now` is monotonic, in milliseconds. */
export function createMediaOrder(receivers: Receivers, now: () => number = () => performance.now()): MediaOrder {
  let epoch = '';
  /** Of the last fragment of the epoch that was seen; -1 before the first. */
  let last = -1;
  let needsKey = true;
  let gapReason: ReadGap['reason'] = 'lost';
  let older: { since: number; init: ReadInit | undefined } | undefined;

  async function begin(init: ReadInit): Promise<void> {
    // Epochs sort by time; an older one is a repetition from a journal that was filled again.
    if (init.epoch < epoch) older = { since: older?.since ?? now(), init };
    if (init.epoch > epoch) await open(init);
  }

  async function open(init: ReadInit): Promise<void> {
    epoch = init.epoch;
    older = undefined;
    last = -1;
    needsKey = true;
    const running = receivers.onInit(init);
    if (running instanceof Promise) await running;
  }

  /** Undefined when the older epoch has taken the place of the present one. */
  async function takeOlder({ epoch: of, kind }: ReadFragment): Promise<OrderOutcome | undefined> {
    older ??= { since: now(), init: undefined };
    if (kind === 'delta' || now() - older.since < olderIsNewAfterMs) return 'skipped';
    if (older.init?.epoch !== of) return 'no_init';
    await open(older.init);
    return undefined;
  }

  async function takeFragment(fragment: ReadFragment): Promise<OrderOutcome> {
    if (fragment.epoch > epoch) return 'no_init';
    if (fragment.epoch < epoch) {
      const refusal = await takeOlder(fragment);
      if (refusal !== undefined) return refusal;
    }
    older = undefined;
    if (fragment.sequence <= last) return 'skipped';
    if (last >= 0 && fragment.sequence > last + 1) {
      receivers.onGap({ epoch, reason: gapReason });
      needsKey = true;
    }
    gapReason = 'lost';
    last = fragment.sequence;
    if (needsKey && fragment.kind === 'delta') return 'skipped';
    needsKey = false;
    const running = receivers.onFragment(fragment);
    if (running instanceof Promise) await running;
    return 'delivered';
  }

  return {
    begin,
    async take({ msg }) {
      const kind = msg.subject.slice(msg.subject.lastIndexOf('.') + 1) as MediaKind;
      const read = (name: string) => msg.headers?.get(name) || undefined;
      const of = read(mediaHeaders.epoch);
      if (of === undefined || !mediaKinds.includes(kind)) return 'skipped';
      if (kind === 'init') {
        const picture = read(mediaHeaders.picture);
        await begin({
          epoch: of,
          data: msg.data,
          codecs: read(mediaHeaders.codecs),
          picture: picture === 'source' || picture === 'no-signal' ? picture : undefined,
        });
        return 'init';
      }
      return takeFragment({
        kind,
        epoch: of,
        data: msg.data,
        sequence: Number(read(mediaHeaders.sequence)),
        timeMs: Number(read(mediaHeaders.time)),
        durationMs: Number(read(mediaHeaders.duration)),
        publishedAt: Number(read(mediaHeaders.published)),
      });
    },
    expectJump() {
      gapReason = 'lag';
    },
  };
}

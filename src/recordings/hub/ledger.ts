/** Reads what the coverage of a stream is made from. */
import type { Coverage } from '../../contracts/index.js';
import type { SegmentRecord } from '../../store/index.js';
import { type CoverageInput, type OpenGap, showCoverage } from './coverage.js';
import type { RecordingsParts } from './needs.js';
import type { Orders } from './orders.js';
import { endOf, type LiveStatus } from './recording-view.js';
import type { Spokes } from './spokes.js';

/** A spoke that records speaks every second; within this time its file is believed to go on. */
const freshMs = 3000;
/** Nobody has said a word about an order: for so long it is just starting. */
const startingMs = 15_000;

export interface LedgerNouns {
  readonly parts: RecordingsParts;
  readonly orders: Orders;
  readonly spokes: Spokes;
}

/** What was recorded of a stream within a time. */
export async function coverageWithin(nouns: LedgerNouns, streamId: string, fromMs: number, toMs: number): Promise<Coverage> {
  const { recordings } = nouns.parts.store;
  const [segments, gaps, orders] = [
    await recordings.segmentsWithin(streamId, fromMs, toMs),
    await recordings.gapsWithin(streamId, fromMs, toMs),
    await recordings.within(streamId, fromMs, toMs),
  ];
  const nowMs = Date.now();
  const live = nouns.spokes.ofStream(streamId);
  return showCoverage(streamId, {
    from_ms: fromMs,
    to_ms: toMs,
    now_ms: nowMs,
    files: segments.filter((segment) => segment.lost_ms === null).map(toFile),
    gaps: [
      ...gaps.map((gap) => ({ ...gap, detail: gap.detail ?? undefined })),
      ...segments
        .filter((segment) => segment.lost_ms !== null)
        .map((segment) => ({ ...toFile(segment), cause: 'deleted' as const, detail: 'the file is not there any more, or not as it was written' })),
    ],
    running: live === undefined ? undefined : await runningFile(nouns, streamId, live, nowMs),
    wanted: orders.map((order) => ({ from_ms: order.from_ms, to_ms: Math.min(endOf(order), nowMs) })),
    open: openGap(nouns.orders.dueOf(streamId)?.from_ms, live, nowMs),
  });
}

function toFile(segment: SegmentRecord) {
  return { from_ms: segment.started_ms, to_ms: segment.ended_ms, filename: segment.filename };
}

/** The time that is in the file being written: from the end of the newest finished one. */
async function runningFile(nouns: LedgerNouns, streamId: string, live: LiveStatus, nowMs: number): Promise<CoverageInput['running']> {
  const { status } = live;
  if (status.state !== 'recording' || status.started_at === null) return undefined;
  const saidMs = Date.parse(status.timestamp);
  const newest = await nouns.parts.store.recordings.segmentAt(streamId, nowMs, Number.POSITIVE_INFINITY);
  const fromMs = Math.max(Date.parse(status.started_at), newest?.ended_ms ?? 0);
  const toMs = live.isHeard && nowMs - saidMs < freshMs ? nowMs : Math.min(saidMs, nowMs);
  return { from_ms: fromMs, to_ms: toMs, filename: status.filename ?? undefined };
}

/** Why nothing is recorded right now although it is wanted; undefined while it is recorded, or nothing is wanted. */
export function openGap(wantedSinceMs: number | undefined, live: LiveStatus | undefined, nowMs: number): OpenGap | undefined {
  if (wantedSinceMs === undefined) return undefined;
  if (live === undefined) return { from_ms: wantedSinceMs, cause: nowMs - wantedSinceMs < startingMs ? 'starting' : 'spoke_lost' };
  const { status } = live;
  if (!live.isHeard)
    return { from_ms: Math.max(wantedSinceMs, Date.parse(status.timestamp)), cause: 'spoke_lost', detail: `spoke ${status.spoke_id} is not heard` };
  if (status.state === 'recording') return undefined;
  const isReported = status.state === 'blocked' || status.state === 'failed';
  return { from_ms: Math.max(wantedSinceMs, live.sinceMs), cause: status.cause ?? 'starting', detail: status.error, isReported };
}

/** The coverage ledger: every moment of a time is present, missing with a cause, or not wanted. Pure. */
import type { Coverage, GapCause } from '../../contracts/index.js';

export interface Span {
  readonly from_ms: number;
  readonly to_ms: number;
}

/** Nothing is recorded since a moment. */
export interface OpenGap {
  readonly from_ms: number;
  readonly cause: GapCause;
  readonly detail?: string | undefined;
  /** A spoke that is there says that it cannot write. */
  readonly isReported?: boolean | undefined;
}

export interface CoverageInput extends Span {
  /** Nothing after it has happened yet. */
  readonly now_ms: number;
  /** Finished files; may overlap each other and the borders. */
  readonly files: readonly (Span & { readonly filename: string })[];
  /** What spokes and deletions noted, oldest first; where several overlap the last noted holds. */
  readonly gaps: readonly (Span & { readonly cause: GapCause; readonly detail?: string | undefined })[];
  /** The file that is being written. */
  readonly running?: (Span & { readonly filename?: string | undefined }) | undefined;
  /** Times that were to be recorded. */
  readonly wanted: readonly Span[];
  /** Why wanted time that nobody has told of is missing: what is known to be so since a moment, and otherwise. */
  readonly open?: OpenGap | undefined;
}

export type CoverageSpan = Span & {
  readonly state: 'present' | 'missing' | 'unwanted';
  readonly cause?: GapCause | undefined;
  readonly detail?: string | undefined;
  readonly filename?: string | undefined;
};

/** Two files meet when they are no further apart: less than the frames of a slow camera. */
const seamMs = 250;

/** The spans tile the time exactly, in order, each longer than nothing; neighbours differ. */
export function coverageOf(input: CoverageInput): CoverageSpan[] {
  const whole: Span[] = input.to_ms > input.from_ms ? [{ from_ms: input.from_ms, to_ms: input.to_ms }] : [];
  const spans: CoverageSpan[] = [];
  let free: Span[] = whole;
  const lay = (layer: readonly CoverageSpan[]) => {
    const placed = place(free, layer);
    spans.push(...placed.taken);
    free = placed.left;
  };
  const noted = lastHolds(input.gaps.map((gap): CoverageSpan => ({ ...gap, state: 'missing' })));
  const wanted = union(input.wanted.map((span) => ({ ...span, to_ms: Math.min(span.to_ms, input.now_ms) })));
  lay(bridged(input.files, noted));
  // Deleted time was recorded once, whatever is wanted now; other gaps matter only where something was wanted.
  lay(noted.filter((gap) => gap.cause === 'deleted'));
  lay(within(noted, wanted));
  if (input.running !== undefined) lay([{ ...input.running, state: 'present' }]);
  lay(untold(endedWithFile(wanted, input.files), reachingBack(input.open, free)));
  spans.push(...free.map((span): CoverageSpan => ({ ...span, state: 'unwanted' })));
  return merged(spans.sort((a, b) => a.from_ms - b.from_ms));
}

/** The answer of the wire, with its sums. */
export function showCoverage(streamId: string, input: CoverageInput): Coverage {
  const spans = coverageOf(input);
  const sum = (state: CoverageSpan['state']) => spans.reduce((ms, span) => (span.state === state ? ms + span.to_ms - span.from_ms : ms), 0);
  const [present, missing] = [sum('present'), sum('missing')];
  const text = (ms: number) => new Date(ms).toISOString();
  return {
    stream_id: streamId,
    from: text(input.from_ms),
    to: text(input.to_ms),
    spans: spans.map(({ from_ms, to_ms, state, cause, detail, filename }) => ({
      from: text(from_ms),
      to: text(to_ms),
      state,
      ...(cause === undefined ? {} : { cause }),
      ...(detail === undefined ? {} : { detail }),
      ...(filename === undefined ? {} : { filename }),
    })),
    present_s: present / 1000,
    missing_s: missing / 1000,
    complete_percent: present + missing === 0 ? 100 : (100 * present) / (present + missing),
  };
}

/** Files in order, each from where the one before ends; tiny seams that no gap explains belong to the file before. */
function bridged(files: CoverageInput['files'], gaps: readonly Span[]): CoverageSpan[] {
  const sorted = [...files].filter((file) => file.to_ms > file.from_ms).sort((a, b) => a.from_ms - b.from_ms || a.to_ms - b.to_ms);
  const spans: CoverageSpan[] = [];
  for (const { from_ms, to_ms, filename } of sorted) {
    const before = spans.at(-1);
    const start = before === undefined ? from_ms : Math.max(from_ms, before.to_ms);
    if (to_ms <= start) continue;
    if (before !== undefined && start > before.to_ms && start - before.to_ms <= seamMs && !touches(gaps, before.to_ms, start)) {
      spans[spans.length - 1] = { ...before, to_ms: start };
    }
    spans.push({ from_ms: start, to_ms, state: 'present', filename });
  }
  return spans;
}

function touches(sorted: readonly Span[], fromMs: number, toMs: number): boolean {
  return sorted.some((span) => span.from_ms < toMs && span.to_ms > fromMs);
}

/** A stop falls between two frames: what is left of the wanted time after the last one is no loss. */
function endedWithFile(wanted: readonly Span[], files: readonly Span[]): Span[] {
  return wanted.map((span) => {
    const last = files.find((file) => file.to_ms <= span.to_ms && file.to_ms > span.to_ms - seamMs && file.to_ms > span.from_ms);
    return last === undefined ? span : { from_ms: span.from_ms, to_ms: last.to_ms };
  });
}

/** A spoke that cannot write cannot note a gap either: what it reports holds since the last thing that is known. */
function reachingBack(open: CoverageInput['open'], free: readonly Span[]): CoverageInput['open'] {
  if (open?.isReported !== true) return open;
  const since = free.find((span) => span.from_ms <= open.from_ms && span.to_ms >= open.from_ms);
  return since === undefined ? open : { ...open, from_ms: since.from_ms };
}

function untold(wanted: readonly Span[], open: CoverageInput['open']): CoverageSpan[] {
  return wanted.flatMap(({ from_ms, to_ms }): CoverageSpan[] => {
    const since = open === undefined ? to_ms : Math.min(Math.max(open.from_ms, from_ms), to_ms);
    const before: CoverageSpan = { from_ms, to_ms: since, state: 'missing', cause: 'spoke_lost' };
    if (open === undefined) return [before];
    return [before, { from_ms: since, to_ms, state: 'missing', cause: open.cause, detail: open.detail }];
  });
}

/** Disjoint spans in order, out of spans that may overlap: the later one of the list wins. */
function lastHolds(spans: readonly CoverageSpan[]): CoverageSpan[] {
  let held: CoverageSpan[] = [];
  for (const span of spans) {
    if (span.to_ms <= span.from_ms) continue;
    const last = held.at(-1);
    // Nearly always they come in order and apart.
    if (last === undefined || last.to_ms <= span.from_ms) {
      held.push(span);
      continue;
    }
    held = [
      ...place(
        [
          { from_ms: Number.NEGATIVE_INFINITY, to_ms: span.from_ms },
          { from_ms: span.to_ms, to_ms: Number.POSITIVE_INFINITY },
        ],
        held,
      ).taken,
      span,
    ];
    held.sort((a, b) => a.from_ms - b.from_ms);
  }
  return held;
}

function union(spans: readonly Span[]): Span[] {
  const sorted = spans.filter((span) => span.to_ms > span.from_ms).sort((a, b) => a.from_ms - b.from_ms);
  const joined: { from_ms: number; to_ms: number }[] = [];
  for (const { from_ms, to_ms } of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && from_ms <= last.to_ms) last.to_ms = Math.max(last.to_ms, to_ms);
    else joined.push({ from_ms, to_ms });
  }
  return joined;
}

function within(spans: readonly CoverageSpan[], bounds: readonly Span[]): CoverageSpan[] {
  return place(bounds, spans).taken;
}

/** Lays disjoint, sorted spans on free places: the parts that fit, and what stays free. */
function place(free: readonly Span[], layer: readonly CoverageSpan[]): { taken: CoverageSpan[]; left: Span[] } {
  const taken: CoverageSpan[] = [];
  const left: Span[] = [];
  let next = 0;
  for (const { from_ms, to_ms } of free) {
    let at = from_ms;
    while (next < layer.length && (layer[next]?.to_ms ?? 0) <= at) next += 1;
    // A layer span may reach over the end of this place into the next one, so it is only passed when it ends here.
    for (let index = next; index < layer.length; index += 1) {
      const span = layer[index];
      if (span === undefined || span.from_ms >= to_ms) break;
      const start = Math.max(at, span.from_ms);
      const end = Math.min(to_ms, span.to_ms);
      if (end <= start) continue;
      if (start > at) left.push({ from_ms: at, to_ms: start });
      taken.push({ ...span, from_ms: start, to_ms: end });
      at = end;
    }
    if (at < to_ms) left.push({ from_ms: at, to_ms });
  }
  return { taken, left };
}

function merged(spans: readonly CoverageSpan[]): CoverageSpan[] {
  const result: CoverageSpan[] = [];
  for (const span of spans) {
    if (span.to_ms <= span.from_ms) continue;
    const last = result.at(-1);
    const isSame =
      last !== undefined && last.state === span.state && last.cause === span.cause && last.detail === span.detail && last.filename === span.filename;
    if (isSame && last.to_ms === span.from_ms) result[result.length - 1] = { ...last, to_ms: span.to_ms };
    else result.push(span);
  }
  return result;
}

/** Live curves: filled from the journal, continued by the metrics, and healed from the journal after a loss. */
import { effect, signal } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { type StreamMetrics, streamMetricsSchema } from '../../contracts/stream.js';
import { formatBitrate, formatRate } from '../core/format.js';
import { type Live, live } from '../core/live.js';
import { place } from '../core/router.js';
import { Note } from '../parts/basics.js';
import { type ChartLook, drawChart } from './chart.js';
import { appendMetrics, emptySeries, growthPerMinute, type Measure, type Series, type Span, spans, trailingMean, trimSeries } from './series.js';
import { readHistory } from './use-history.js';

interface Chart extends ChartLook {
  measure: Measure;
  title: string;
}

const charts: readonly Chart[] = [
  { measure: 'fps', title: 'Frame rate', colour: '--chart-1', least: 5, format: (value) => `${formatRate(value)} fps`, tick: (value) => `${value}` },
  {
    measure: 'bitrate_kbps',
    title: 'Bitrate',
    colour: '--chart-2',
    least: 100,
    format: formatBitrate,
    tick: (value) => (value >= 1000 ? `${value / 1000} M` : `${value} k`),
  },
  {
    measure: 'drops',
    title: 'Dropped per minute',
    colour: '--chart-3',
    least: 10,
    format: (value) => value.toFixed(value > 0 && value < 10 ? 1 : 0),
    tick: (value) => `${value}`,
  },
  {
    measure: 'cpu_percent',
    title: 'CPU of FFmpeg',
    colour: '--chart-4',
    least: 10,
    format: (value) => `${value.toFixed(1)} %`,
    tick: (value) => `${value} %`,
  },
];

const chosen = signal<Span>(spans[0] as Span);

export default function Charts() {
  const id = place.value.params.id ?? '';
  const span = chosen.value;
  const { series, turn, state } = useSeries(id, span);
  return (
    <>
      <div class="chart-bar">
        <span class="small muted" data-testid="chart-state">
          {state === 'loading' ? 'Reading the history…' : `${series.times.length} points, one per ${span.stepS} s`}
        </span>
        <fieldset class="segmented" aria-label="Span">
          {spans.map((one) => (
            <button
              type="button"
              key={one.label}
              aria-pressed={one === span}
              data-testid={`span-${one.seconds}`}
              onClick={() => (chosen.value = one)}
            >
              {one.label}
            </button>
          ))}
        </fieldset>
      </div>
      {state === 'failed' && (
        <div style={{ marginBottom: '14px' }}>
          <Note tone="warn">The history could not be read; the curves start now.</Note>
        </div>
      )}
      <div class="charts">
        {charts.map((chart) => (
          <Curve key={chart.measure} chart={chart} series={series} turn={turn} span={span} />
        ))}
      </div>
    </>
  );
}

type State = 'loading' | 'ready' | 'failed';

/** The series of one stream; `turn` changes when it has grown. */
function useSeries(id: string, span: Span): { series: Series; turn: number; state: State } {
  const series = useMemo(emptySeries, [id, span]);
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState<State>('loading');
  useEffect(() => {
    setState('loading');
    const changed = () => setTurn((count) => count + 1);
    let last: number | undefined;
    return effect(() => {
      const current = live.value;
      if (current === undefined) return undefined;
      const controller = new AbortController();
      const follower = followMetrics(current, id, span, series, changed, controller.signal);
      const fill = () =>
        follower.fill(last).then(
          (next) => {
            last = next;
            if (!controller.signal.aborted) setState('ready');
          },
          () => !controller.signal.aborted && setState('failed'),
        );
      void fill();
      const undo = current.bus.onReconnect(() => void fill());
      return () => {
        undo();
        controller.abort();
      };
    });
  }, [id, span, series]);
  return { series, turn, state };
}

function followMetrics(current: Live, id: string, span: Span, series: Series, changed: () => void, signal: AbortSignal) {
  // What arrives while the history is read waits, so that everything stands in order of time.
  let waiting: StreamMetrics[] | undefined = [];
  const add = (messages: readonly StreamMetrics[]) => {
    if (appendMetrics(series, messages, span.stepS) === 0) return;
    trimSeries(series, Date.now() / 1000 - span.seconds);
    changed();
  };
  current.bus.subscribe(
    'stream_metrics',
    { stream_id: id },
    (message) => {
      if (waiting === undefined) add([message]);
      else if (waiting.length < 2000) waiting.push(message);
    },
    { signal },
  );
  const fill = async (after: number | undefined): Promise<number> => {
    waiting ??= [];
    const since = new Date(Date.now() - span.seconds * 1000).toISOString();
    const request = { kind: 'metrics', step_s: span.stepS, limit: 2000, ...(after === undefined ? { since } : { after }) } as const;
    try {
      return await readHistory(current, id, request, (reply) => add(reply.items.flatMap((item) => parseMetrics(item.message))), signal);
    } finally {
      const late = waiting ?? [];
      waiting = undefined;
      add(late);
      changed();
    }
  };
  return { fill };
}

function parseMetrics(message: unknown): StreamMetrics[] {
  const parsed = streamMetricsSchema.safeParse(message);
  return parsed.success ? [parsed.data] : [];
}

function Curve({ chart, series, turn, span }: { chart: Chart; series: Series; turn: number; span: Span }) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<{ update: (data: uPlot.AlignedData, from: number) => void; destroy: () => void } | undefined>(undefined);
  const [hovered, setHovered] = useState<number | undefined>(undefined);
  const column = series.columns[chart.measure];
  const values =
    chart.measure === 'drops' ? growthPerMinute(series.times, column) : chart.measure === 'cpu_percent' ? trailingMean(column, 5) : column;
  const newest = [...values].reverse().find((value) => value !== null);
  const latest = useRef<() => void>(() => undefined);
  latest.current = () => plot.current?.update([series.times, values], span.seconds);
  useEffect(() => {
    if (element.current === null) return undefined;
    const controller = new AbortController();
    const target = element.current;
    void drawChart(target, chart, setHovered, controller.signal).then((drawn) => {
      plot.current = drawn;
      latest.current();
    });
    return () => {
      controller.abort();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [chart]);
  useEffect(() => latest.current(), [turn, series, span]);
  const shown = hovered === undefined ? newest : (values[hovered] ?? undefined);
  return (
    <section class="card chart" data-testid={`chart-${chart.measure}`} data-points={series.times.length}>
      <header>
        <h3>{chart.title}</h3>
        {hovered !== undefined && <span class="small muted">{new Date((series.times[hovered] ?? 0) * 1000).toLocaleTimeString()}</span>}
        <b>{shown === undefined || shown === null ? '–' : chart.format(shown)}</b>
      </header>
      <div class="plot" ref={element} />
    </section>
  );
}

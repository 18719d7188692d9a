/** One curve with uPlot, in the colours of the theme; the library is loaded with the first one. */
import { effect } from '@preact/signals';
import type uPlot from 'uplot';
import { theme } from '../core/theme.js';

export interface ChartLook {
  /** Custom property that names the colour. */
  colour: string;
  /** The axis reaches at least to here. */
  least: number;
  format: (value: number) => string;
  tick: (value: number) => string;
}

export interface DrawnChart {
  /** New data; the axis shows the last `seconds`. */
  update: (data: uPlot.AlignedData, seconds: number) => void;
  destroy: () => void;
}

/** Draws into an element and follows its size and the theme. */
export async function drawChart(
  element: HTMLElement,
  look: ChartLook,
  onHover: (index: number | undefined) => void,
  signal: AbortSignal,
): Promise<DrawnChart> {
  const { default: UPlot } = await import('uplot');
  const nothing: DrawnChart = { update: () => undefined, destroy: () => undefined };
  if (signal.aborted) return nothing;
  let span = 300;
  let plot: uPlot | undefined;
  let data: uPlot.AlignedData = [[], []];
  const make = () => {
    plot?.destroy();
    const options = optionsFor(UPlot, element, look, () => span, onHover);
    plot = new UPlot(options, data, element);
  };
  make();
  const observer = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: element.clientHeight - 8 }));
  observer.observe(element);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', make);
  const stopTheme = effect(() => {
    // Canvas colours are read when drawing, so another theme needs another drawing.
    void theme.value;
    queueMicrotask(make);
  });
  return {
    update: (next, seconds) => {
      data = next;
      span = seconds;
      plot?.setData(next);
    },
    destroy: () => {
      stopTheme();
      scheme.removeEventListener('change', make);
      observer.disconnect();
      plot?.destroy();
      plot = undefined;
    },
  };
}

function optionsFor(
  UPlot: typeof uPlot,
  element: HTMLElement,
  look: ChartLook,
  span: () => number,
  onHover: (index: number | undefined) => void,
): uPlot.Options {
  const colour = (name: string) => resolveColour(element, `var(${name})`);
  const line = colour(look.colour);
  const axis: uPlot.Axis = {
    stroke: colour('--text-3'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: element.clientHeight - 8,
    legend: { show: false },
    padding: [10, 16, 0, 0],
    cursor: { y: false, sync: { key: 'weir' }, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: true, range: () => [Date.now() / 1000 - span(), Date.now() / 1000] },
      y: { range: (_plot, _min, max) => [0, Math.max(look.least, (max ?? 0) * 1.12)] },
    },
    axes: [
      { ...axis, size: 28, space: 70, values: (_plot, ticks) => ticks.map((tick) => formatTick(tick, span())) },
      { ...axis, size: 52, space: 34, values: (_plot, ticks) => ticks.map(look.tick) },
    ],
    series: [
      {},
      {
        stroke: line,
        width: 1.6,
        fill: resolveColour(element, `color-mix(in oklab, var(${look.colour}) 13%, transparent)`),
        points: { show: false },
        spanGaps: false,
        ...(UPlot.paths.linear === undefined ? {} : { paths: UPlot.paths.linear() }),
      },
    ],
    hooks: { setCursor: [(plot) => onHover(plot.cursor.idx ?? undefined)] },
  };
}

/** The colour behind a custom property, as the canvas understands it. */
function resolveColour(element: HTMLElement, value: string): string {
  const before = element.style.color;
  element.style.color = value;
  const resolved = getComputedStyle(element).color;
  element.style.color = before;
  return resolved;
}

function formatTick(seconds: number, span: number): string {
  const options: Intl.DateTimeFormatOptions =
    span <= 600 ? { hour: '2-digit', minute: '2-digit', second: '2-digit' } : { hour: '2-digit', minute: '2-digit' };
  return new Date(seconds * 1000).toLocaleTimeString(undefined, { ...options, hour12: false });
}

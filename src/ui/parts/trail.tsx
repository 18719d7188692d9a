/** A small curve of the last minute, like water in a channel. */

const width = 72;
const height = 18;

/** Nothing is drawn for fewer than six values. Decoration: the number stands beside it. */
export function Trail({ values }: { values: readonly number[] }) {
  if (values.length < 6) return null;
  const top = Math.max(...values) * 1.08 || 1;
  const step = width / 59;
  const start = width - (values.length - 1) * step;
  const points = values.map((value, index) => `${(start + index * step).toFixed(1)},${(height - (value / top) * (height - 2)).toFixed(1)}`);
  return (
    <svg class="trail" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path d={`M${start.toFixed(1)},${height} L${points.join(' L')} L${width},${height} Z`} fill="var(--accent)" opacity="0.18" />
      <path d={`M${points.join(' L')}`} fill="none" stroke="var(--accent)" stroke-width="1.4" stroke-linejoin="round" />
    </svg>
  );
}

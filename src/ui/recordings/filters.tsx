/** Choosing a stream, and turning pages. */
import { streams } from '../core/data.js';
import { Icon } from '../parts/icon.js';

/** All streams, or one. */
export function StreamChoice({ value, onValue }: { value: string; onValue: (id: string) => void }) {
  const list = streams.value;
  const models = list.kind === 'ready' ? list.value : [];
  return (
    <label>
      <span class="sr">Stream</span>
      <select class="input" value={value} data-testid="filter-stream" onChange={(event) => onValue(event.currentTarget.value)}>
        <option value="">All streams</option>
        {value !== '' && !models.some((model) => model.id === value) && <option value={value}>{value}</option>}
        {models.map((model) => (
          <option key={model.id} value={model.id}>
            {model.stream.value.name}
          </option>
        ))}
      </select>
    </label>
  );
}

interface PagerProps {
  total: number;
  offset: number;
  limit: number;
  onOffset: (offset: number) => void;
}

/** Which part of a long list is shown; nothing for a short one. */
export function Pager({ total, offset, limit, onOffset }: PagerProps) {
  if (total <= limit) return null;
  return (
    <nav class="pager" aria-label="Pages of the list">
      <button type="button" class="btn icon quiet" aria-label="Newer" disabled={offset === 0} onClick={() => onOffset(Math.max(0, offset - limit))}>
        <Icon name="left" />
      </button>
      <span class="small second">
        {offset + 1}–{Math.min(total, offset + limit)} of {total}
      </span>
      <button type="button" class="btn icon quiet" aria-label="Older" disabled={offset + limit >= total} onClick={() => onOffset(offset + limit)}>
        <Icon name="right" />
      </button>
    </nav>
  );
}

/** Which streams somebody may see. */
import { streams } from '../core/data.js';

interface ScopeProps {
  value: readonly string[] | null;
  onValue: (value: string[] | null) => void;
}

/** All streams, or a list of them. */
export function StreamScope({ value, onValue }: ScopeProps) {
  const list = streams.value;
  const all = list.kind === 'ready' ? list.value : [];
  return (
    <fieldset class="field scope">
      <legend class="label">Streams</legend>
      <label class="check">
        <input
          type="checkbox"
          checked={value === null}
          onChange={(event) => onValue(event.currentTarget.checked ? null : [])}
          data-testid="scope-all"
        />
        <span>
          All streams
          <small>Also those added later, and everything that is not tied to one stream</small>
        </span>
      </label>
      {value !== null && (
        <ul class="scope-list">
          {all.map((model) => (
            <li key={model.id}>
              <label class="check">
                <input
                  type="checkbox"
                  checked={value.includes(model.id)}
                  data-testid={`scope-${model.id}`}
                  onChange={(event) => onValue(event.currentTarget.checked ? [...value, model.id] : value.filter((id) => id !== model.id))}
                />
                <span>{model.stream.value.name}</span>
              </label>
            </li>
          ))}
          {all.length === 0 && <li class="muted small">There are no streams yet.</li>}
        </ul>
      )}
    </fieldset>
  );
}

/** Search, state, tag and order of the library. */
import { useEffect, useState } from 'preact/hooks';
import type { VideoState, Visibility } from '../../contracts/video.js';
import { Icon } from '../parts/icon.js';
import { filter, library, setFilter, sorts } from './library-state.js';
import { videoStateLabels, videoStates, visibilities, visibilityLabels } from './video-words.js';

const typingPauseMs = 250;

export function LibraryFilters() {
  const { state, visibility, sort } = filter.value;
  return (
    <div class="library-filters">
      <Search />
      <label>
        <span class="sr">State</span>
        <select
          class="input"
          data-testid="state-filter"
          value={state}
          onChange={(event) => setFilter({ state: event.currentTarget.value as VideoState | '' })}
        >
          <option value="">Every state</option>
          {videoStates.map((one) => (
            <option key={one} value={one}>
              {videoStateLabels[one]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="sr">Who may watch</span>
        <select class="input" value={visibility} onChange={(event) => setFilter({ visibility: event.currentTarget.value as Visibility | '' })}>
          <option value="">Any visibility</option>
          {visibilities.map((one) => (
            <option key={one} value={one}>
              {visibilityLabels[one]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="sr">Order</span>
        <select class="input" value={sort} onChange={(event) => setFilter({ sort: event.currentTarget.value as keyof typeof sorts })}>
          {Object.entries(sorts).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <Tags />
    </div>
  );
}

function Search() {
  const shown = filter.value.search;
  const [text, setText] = useState(shown);
  useEffect(() => setText(shown), [shown]);
  useEffect(() => {
    if (text === filter.peek().search) return undefined;
    const timer = setTimeout(() => setFilter({ search: text }), typingPauseMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search">
      <span class="sr">Search videos</span>
      <Icon name="search" size={16} />
      <input
        class="input"
        type="search"
        maxLength={200}
        placeholder="Title, description, tag"
        data-testid="search"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

/** The tags that are used most, and the chosen one in any case. */
function Tags() {
  const { tag: chosen } = filter.value;
  const used = library.value?.tags ?? [];
  const shown = used.slice(0, 12).map((one) => one.tag);
  if (chosen !== '' && !shown.includes(chosen)) shown.unshift(chosen);
  if (shown.length === 0) return null;
  return (
    <fieldset class="tag-filter" aria-label="Tags">
      {shown.map((tag) => (
        <button key={tag} type="button" class="tag" aria-pressed={tag === chosen} onClick={() => setFilter({ tag: tag === chosen ? '' : tag })}>
          {tag}
        </button>
      ))}
    </fieldset>
  );
}

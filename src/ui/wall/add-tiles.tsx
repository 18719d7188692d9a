/** Chooses which streams hang on the wall. */
import { useState } from 'preact/hooks';
import { type StreamModel, streams } from '../core/data.js';
import { formatVideo, nameSource } from '../core/format.js';
import { may } from '../core/session.js';
import { toneOf } from '../core/words.js';
import { Dialog, Dot } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { mostTiles } from './grid.js';
import { addTiles, removeTile, wall } from './wall-state.js';

/** A list with a tick for each stream; each change shows on the wall at once. */
export function AddTiles({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  const list = streams.value;
  const all = list.kind === 'ready' ? list.value : [];
  const found = all.filter((model) => `${model.stream.value.name} ${model.id}`.toLowerCase().includes(text.trim().toLowerCase()));
  const tiles = wall.value?.tiles ?? [];
  const room = mostTiles - tiles.length;
  return (
    <Dialog title="Streams on the wall" onClose={onClose}>
      <div class="btn-row">
        <label class="search">
          <span class="sr">Search</span>
          <Icon name="search" size={16} />
          <input class="input" type="search" placeholder="Search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <span class="small muted">
          {tiles.length} of {mostTiles}
        </span>
      </div>
      <ul class="pick-list">
        {found.map((model) => (
          <PickRow key={model.id} model={model} chosen={tiles.includes(model.id)} room={room > 0} />
        ))}
        {found.length === 0 && <li class="muted small">No stream has this name.</li>}
      </ul>
      <div class="actions">
        {may('operator') && (
          <a class="btn quiet" href="/streams/new">
            <Icon name="plus" /> New stream
          </a>
        )}
        <button type="button" class="btn primary" data-testid="add-tiles-done" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

function PickRow({ model, chosen, room }: { model: StreamModel; chosen: boolean; room: boolean }) {
  const stream = model.stream.value;
  const status = model.status.value;
  return (
    <li>
      <label class="pick">
        <input
          type="checkbox"
          checked={chosen}
          disabled={!chosen && !room}
          data-testid={`pick-${model.id}`}
          onChange={() => (chosen ? removeTile(model.id) : addTiles([model.id]))}
        />
        <Dot tone={toneOf(status)} />
        <span class="clip">{stream.name}</span>
        <span class="muted small clip">{formatVideo(status?.video) || nameSource(stream.config.device ?? '')}</span>
      </label>
    </li>
  );
}

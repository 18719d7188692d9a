/** Up to sixteen live pictures at once. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { loadStreams, streamModel, streams } from '../core/data.js';
import { formatBitrate } from '../core/format.js';
import { navigate } from '../core/router.js';
import { streamHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { toneOf } from '../core/words.js';
import { Blank, Dot, Failed, PageHead } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import type { LivePlayer } from '../player/live-player.js';
import { LiveVideo, toggleFullscreen } from '../player/live-video.js';
import { RecMark } from '../player/record-button.js';
import { StageButton } from '../player/stage-button.js';
import { AddTiles } from './add-tiles.js';
import { dragTile, moveByKey, moveNews, moving } from './drag.js';
import { type Grid, gridOf, layouts, mostTiles } from './grid.js';
import { removeTile, setLayout, wall } from './wall-state.js';
import './wall.css';

export default function WallPage() {
  const memory = wall.value;
  const list = streams.value;
  const [adding, setAdding] = useState(false);
  const [page, setPage] = useState(0);
  const screen = useRef<HTMLDivElement>(null);
  const { ref, size } = useSize();
  if (memory === undefined) return list.kind === 'failed' ? <Failed error={list.error} onRetry={() => void loadStreams()} /> : <WallSkeleton />;
  if (list.kind === 'ready' && list.value.length === 0) return <NoStreams />;
  const { layout, tiles } = memory;
  const perPage = layout === 'auto' ? mostTiles : layout;
  const pageCount = Math.max(1, Math.ceil(tiles.length / perPage));
  const current = Math.min(page, pageCount - 1);
  const shown = tiles.slice(current * perPage, (current + 1) * perPage);
  const grid = gridOf(layout, shown.length, size.width, size.height);
  const blanks = layout === 'auto' ? 0 : Math.max(0, perPage - shown.length);
  return (
    <div class="wall" ref={screen}>
      <div class="wall-head">
        <PageHead title="Wall" note={tiles.length === 0 ? undefined : `${tiles.length} of ${mostTiles}`}>
          {pageCount > 1 && (
            <div class="btn-row">
              <button type="button" class="btn icon quiet" aria-label="Previous page" disabled={current === 0} onClick={() => setPage(current - 1)}>
                <Icon name="left" />
              </button>
              <span class="small second">
                {current + 1} / {pageCount}
              </span>
              <button
                type="button"
                class="btn icon quiet"
                aria-label="Next page"
                disabled={current === pageCount - 1}
                onClick={() => setPage(current + 1)}
              >
                <Icon name="right" />
              </button>
            </div>
          )}
          <fieldset class="segmented" aria-label="Layout">
            {layouts.map((one) => (
              <button type="button" key={one} aria-pressed={layout === one} data-testid={`layout-${one}`} onClick={() => setLayout(one)}>
                {one === 'auto' ? 'Auto' : one}
              </button>
            ))}
          </fieldset>
          <button
            type="button"
            class="btn icon"
            aria-label="Wall full screen"
            title="Wall full screen"
            onClick={() => void toggleFullscreen(screen.current)}
          >
            <Icon name="full" />
          </button>
          <button type="button" class="btn" data-testid="add-tiles" disabled={tiles.length >= mostTiles} onClick={() => setAdding(true)}>
            <Icon name="plus" /> Add
          </button>
        </PageHead>
      </div>
      <div class="wall-area" ref={ref}>
        {tiles.length === 0 ? (
          <Blank icon="wall" title="The wall is empty" text="Choose the streams to watch here. Their order is remembered on this device.">
            <button type="button" class="btn primary" onClick={() => setAdding(true)}>
              <Icon name="plus" /> Add streams
            </button>
          </Blank>
        ) : (
          <ul class="wall-grid" data-count={shown.length} data-layout={layout} style={{ '--columns': grid.columns, '--rows': grid.rows }}>
            {shown.map((id) => (
              <Tile key={id} id={id} grid={grid} />
            ))}
            {Array.from({ length: blanks }, (_none, index) => (
              <li key={`blank-${index}`} class="tile-blank">
                <button type="button" aria-label="Add a stream here" onClick={() => setAdding(true)}>
                  <Icon name="plus" size={22} />
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
      <p class="sr" aria-live="assertive">
        {moveNews.value}
      </p>
      {adding && <AddTiles onClose={() => setAdding(false)} />}
    </div>
  );
}

function Tile({ id, grid }: { id: string; grid: Grid }) {
  const name = streamModel(id)?.stream.value.name ?? id;
  const held = moving.value?.id === id;
  return (
    <li class="tile" data-tile={id} data-testid={`tile-${id}`} data-held={held}>
      <LiveVideo
        streamId={id}
        compact
        head={(player) => (
          <div class="tile-head">
            <TileDot id={id} />
            <a href={streamHref(id)} class="tile-name">
              {name}
            </a>
            <RecMark streamId={id} brief />
            <TileFigures player={player} />
            <span class="tile-tools">
              <button
                type="button"
                class="stage-icon grip"
                data-grip
                aria-label={`Move ${name}`}
                aria-pressed={held}
                title="Drag to order; or Space, then arrow keys"
                onPointerDown={(event) => dragTile(id, event)}
                onKeyDown={(event) => moveByKey(id, name, grid.columns, event)}
              >
                <Icon name="grip" size={16} />
              </button>
              <StageButton icon="close" label={`Take ${name} off the wall`} onClick={() => removeTile(id)} />
            </span>
          </div>
        )}
        more={<StageButton icon="sliders" label="Open the stream's page" onClick={() => navigate(streamHref(id))} />}
      />
    </li>
  );
}

function TileDot({ id }: { id: string }) {
  const status = streamModel(id)?.status.value ?? null;
  return <Dot tone={toneOf(status)} />;
}

function TileFigures({ player }: { player: LivePlayer | undefined }) {
  const facts = player?.snapshot.value;
  if (facts?.hasPicture !== true || facts.phase !== 'playing') return <span class="tile-figures" />;
  return (
    <span class="tile-figures">
      <span>{(facts.latencyMs / 1000).toFixed(2)} s</span>
      <span>{formatBitrate(facts.bitrateKbps)}</span>
    </span>
  );
}

function NoStreams() {
  return (
    <div class="page">
      <PageHead title="Wall" />
      <Blank
        icon="camera"
        title="No streams yet"
        text={
          may('operator')
            ? 'Add a camera, a network stream, a file or a test picture; it plays here within seconds.'
            : 'Nobody has added a stream that you may see.'
        }
      >
        {may('operator') && (
          <a class="btn primary" href="/streams/new" data-testid="empty-add">
            <Icon name="plus" /> Add a stream
          </a>
        )}
      </Blank>
    </div>
  );
}

function WallSkeleton() {
  return (
    <div class="wall" role="status" aria-label="Loading">
      <div class="wall-head">
        <PageHead title="Wall" />
      </div>
      <div class="wall-area">
        <div class="stage" style={{ height: '100%' }} />
      </div>
    </div>
  );
}

/** The size of an element, kept up to date. */
function useSize() {
  const ref = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 1280, height: 720 });
  const element = ref.current;
  useEffect(() => {
    const target = ref.current;
    if (target === null) return undefined;
    const observer = new ResizeObserver(() => setSize({ width: target.clientWidth, height: target.clientHeight }));
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return { ref, size };
}

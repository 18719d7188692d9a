/** The day: player, rows, what is missing, and what can be done with a part of it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Storage } from '../../contracts/storage.js';
import { call } from '../core/api.js';
import { streams } from '../core/data.js';
import { place } from '../core/router.js';
import { Blank } from '../parts/basics.js';
import { SelectionBar } from './selection-bar.js';
import { SidePanel } from './side-panel.js';
import { RecordedStage, Transport, useDeck } from './stage.js';
import { Timeline } from './timeline.js';
import { DayChoice, RowChoice } from './timeline-choices.js';
import { giveBackFocus, listenKeys } from './timeline-keys.js';
import { active, followLanes, keepPlayhead, playhead, rememberedRows, rows, setRows, showTime } from './timeline-state.js';

export default function TimelineTab() {
  useEffect(() => followLanes(), []);
  useStart();
  const video = useRef<HTMLVideoElement | null>(null);
  const deck = useDeck(video);
  const [rate, setRate] = useState(1);
  useEffect(() => deck.playback?.setRate(rate), [deck.playback, rate]);
  useEffect(() => listenKeys(deck), [deck.playback]);
  const pendingPlay = useRef(false);
  const onSeek = (time: number, id: string) => {
    const same = active.peek() === id;
    keepPlayhead();
    active.value = id;
    playhead.value = time;
    // Another row gets another player; it starts there once it is made.
    if (same) deck.seek(time, true);
    else pendingPlay.current = true;
  };
  useEffect(() => {
    if (!pendingPlay.current || deck.playback === undefined) return;
    pendingPlay.current = false;
    deck.seek(playhead.peek(), true);
  }, [deck.playback]);
  const list = streams.value;
  if (list.kind === 'ready' && list.value.length === 0) {
    return <Blank icon="timeline" title="Nothing to record yet" text="Recordings are made of streams, and there is none so far." />;
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: nothing is done here, only the focus is given back
    // biome-ignore lint/a11y/noStaticElementInteractions: as above
    <div class="timeline-page" onClick={giveBackFocus}>
      <div class="timeline-top">
        <RecordedStage deck={deck} video={video} />
        <aside class="card">
          <SidePanel deck={deck} />
        </aside>
      </div>
      <section class="card timeline-card">
        <div class="timeline-bar">
          <DayChoice deck={deck} />
          <Transport deck={deck} rate={rate} onRate={setRate} />
          <RowChoice />
        </div>
        <Timeline onSeek={onSeek} />
        <SelectionBar />
      </section>
    </div>
  );
}

/** Rows and time out of the address, else those of last time, else what has recordings. */
function useStart(): void {
  const list = streams.value;
  const known = list.kind === 'ready';
  const query = place.value.query;
  const asked = query.get('streams') ?? '';
  const at = query.get('at') ?? '';
  useEffect(() => {
    const time = Date.parse(at);
    if (!Number.isNaN(time)) showTime(time);
  }, [at]);
  useEffect(() => {
    if (!known || list.kind !== 'ready') return;
    const there = new Set(list.value.map((model) => model.id));
    const wanted = asked === '' ? [] : asked.split(',');
    if (wanted.length > 0) setRows(wanted, false);
    else if (rows.peek() === undefined) {
      const kept = rememberedRows().filter((id) => there.has(id));
      if (kept.length > 0) setRows(kept);
      else void firstRows([...there]).then((ids) => rows.peek() === undefined && setRows(ids, false));
    }
  }, [known, asked]);
}

async function firstRows(all: readonly string[]): Promise<string[]> {
  const storage: Storage | undefined = await call('get_storage').catch(() => undefined);
  const sizes = new Map(storage?.streams.map((one) => [one.stream_id, one.size]));
  const recorded = [...sizes.keys()].sort((a, b) => (sizes.get(b) ?? 0) - (sizes.get(a) ?? 0)).filter((id) => all.includes(id));
  return recorded.length > 0 ? recorded.slice(0, 6).sort() : all.slice(0, 4);
}

/** The log of one stream: the last hours from the journal, then as it is written. */
import { effect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { HistoryReply } from '../../contracts/history.js';
import { type StreamLog, streamLogSchema } from '../../contracts/stream.js';
import { live } from '../core/live.js';
import { place } from '../core/router.js';
import { Blank, SkeletonRows } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { isShown, type Level, type LogLine, levels, mergeLines, mostLines, splitFound } from './log-lines.js';
import { readHistory } from './use-history.js';

const firstLines = 400;

export default function Log() {
  const id = place.value.params.id ?? '';
  const { lines, loading, older, hasOlder } = useLog(id);
  const [text, setText] = useState('');
  const [level, setLevel] = useState<Level>('info');
  const [follow, setFollow] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const shown = lines.filter((line) => isShown(line, level, text.trim()));
  const lastKey = shown[shown.length - 1]?.key;
  useEffect(() => {
    if (follow && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lastKey, follow, level, text]);
  const onScroll = () => {
    const element = box.current;
    if (element === null) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 30;
    if (isAtEnd !== follow) setFollow(isAtEnd);
  };
  return (
    <>
      <div class="log-bar">
        <label class="search">
          <span class="sr">Search in the log</span>
          <Icon name="search" size={16} />
          <input
            class="input"
            type="search"
            placeholder="Search"
            data-testid="log-search"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <fieldset class="segmented" aria-label="Least level">
          {levels.map((one) => (
            <button type="button" key={one} aria-pressed={one === level} data-testid={`level-${one}`} onClick={() => setLevel(one)}>
              {one[0]?.toUpperCase()}
              {one.slice(1)}
            </button>
          ))}
        </fieldset>
        <span class="push" />
        <span class="small muted">{shown.length} lines</span>
        <button type="button" class="btn" aria-pressed={follow} data-testid="follow" onClick={() => setFollow(!follow)}>
          <Icon name="down" size={16} /> Follow
        </button>
      </div>
      <div class="log" ref={box} onScroll={onScroll} role="log" aria-live="off" data-testid="log">
        {loading && <SkeletonRows rows={9} height={13} />}
        {!loading && hasOlder && (
          <button type="button" class="btn small quiet older" onClick={older}>
            Older lines
          </button>
        )}
        {!loading && shown.length === 0 && <Blank icon="audit" title={lines.length === 0 ? 'Nothing has been written yet' : 'Nothing matches'} />}
        {shown.map((line) => (
          <Line key={line.key} line={line} text={text.trim()} />
        ))}
      </div>
    </>
  );
}

function Line({ line, text }: { line: LogLine; text: string }) {
  const at = new Date(line.timestamp);
  return (
    <div class="log-line" data-level={line.level}>
      <time dateTime={line.timestamp} title={at.toLocaleString()}>
        {at.toLocaleTimeString(undefined, { hour12: false })}.{String(at.getMilliseconds()).padStart(3, '0')}
      </time>
      <span class="level">{line.level}</span>
      <span class="origin">{line.origin}</span>
      <span class="message">{splitFound(line.message, text).map((part, index) => (index % 2 === 1 ? <mark key={index}>{part}</mark> : part))}</span>
    </div>
  );
}

function useLog(id: string) {
  const [lines, setLines] = useState<LogLine[]>([]);
  const [loading, setLoading] = useState(true);
  const [hasOlder, setHasOlder] = useState(false);
  const key = useRef(0);
  const add = (messages: readonly StreamLog[]) => setLines((before) => mergeLines(before, messages, () => ++key.current));
  useEffect(() => {
    setLines([]);
    setLoading(true);
    let last: number | undefined;
    return effect(() => {
      const current = live.value;
      if (current === undefined) return undefined;
      const controller = new AbortController();
      const { signal } = controller;
      const fill = async () => {
        const request = { kind: 'log', limit: firstLines, ...(last === undefined ? {} : { after: last }) } as const;
        const isFirst = last === undefined;
        try {
          last = await readHistory(
            current,
            id,
            request,
            (reply) => {
              add(parseLines(reply));
              if (isFirst) setHasOlder(reply.items.length >= firstLines);
            },
            signal,
          );
        } finally {
          if (!signal.aborted) setLoading(false);
        }
      };
      const refill = () => void fill().catch(() => undefined);
      current.bus.subscribe('stream_log', { stream_id: id }, (line) => add([line]), { signal });
      refill();
      const undo = current.bus.onReconnect(refill);
      return () => {
        undo();
        controller.abort();
      };
    });
  }, [id]);
  const older = () => {
    const first = lines[0];
    const current = live.peek();
    if (first === undefined || current === undefined) return;
    const request = { kind: 'log', until: first.timestamp, limit: firstLines } as const;
    void readHistory(
      current,
      id,
      request,
      (reply) => {
        const found = parseLines(reply).filter((line) => line.timestamp < first.timestamp);
        setHasOlder(found.length > 0 && lines.length + found.length < mostLines);
        setLines((before) => [...found.map((line) => ({ ...line, key: ++key.current })), ...before].slice(-mostLines));
      },
      AbortSignal.timeout(10_000),
    ).catch(() => setHasOlder(false));
  };
  return { lines, loading, older, hasOlder };
}

function parseLines(reply: HistoryReply): StreamLog[] {
  return reply.items.flatMap((item) => {
    const parsed = streamLogSchema.safeParse(item.message);
    return parsed.success ? [parsed.data] : [];
  });
}

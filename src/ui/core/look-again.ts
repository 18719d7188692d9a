/** Asking again for what no event tells: soon while something goes on, ever more seldom while nothing does, never in a tab that nobody sees. */
import { useEffect, useRef } from 'preact/hooks';

const livelyMs = 4000;
const longestMs = 60_000;

/** The pause before the next look: 4 s while something goes on, else twice the one before, at most a minute. Pure. */
export function nextPauseMs(beforeMs: number, isLively: boolean): number {
  return isLively ? livelyMs : Math.min(longestMs, Math.max(livelyMs, beforeMs * 2));
}

/** Calls `look` until the function that it gives is called; at once when the page is seen again. */
export function lookAgain(look: () => void, isLively: boolean): () => void {
  const ended = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pauseMs = 0;
  const plan = () => {
    pauseMs = nextPauseMs(pauseMs, isLively);
    timer = setTimeout(() => {
      look();
      plan();
    }, pauseMs);
  };
  const onSeen = () => {
    clearTimeout(timer);
    if (document.visibilityState !== 'visible') return;
    if (pauseMs > 0) look();
    pauseMs = 0;
    plan();
  };
  document.addEventListener('visibilitychange', onSeen, { signal: ended.signal });
  onSeen();
  return () => {
    ended.abort();
    clearTimeout(timer);
  };
}

/** Looks again while the component is on the page; soon after `isLively` became true. */
export function useLookAgain(look: () => void, isLively: boolean): void {
  const latest = useRef(look);
  latest.current = look;
  useEffect(() => lookAgain(() => latest.current(), isLively), [isLively]);
}

/** Small pictures of past moments while a pointer moves: one request at a time, the newest wish wins. */
import { signal } from '@preact/signals';
import { urlOf } from '../core/api.js';

export interface Thumb {
  readonly streamId: string;
  readonly at: number;
  readonly url: string;
}

const leastPauseMs = 90;
const remembered = 60;

/** The last picture that arrived; undefined while none did for this pointer's stay. */
export const thumb = signal<Thumb | undefined>(undefined);
const known = new Map<string, boolean>();
let wanted: Thumb | undefined;
let isBusy = false;

/** Asks for the picture at a time, rounded down to `stepMs`, but not to before `from`, where the recording begins. */
export function wantThumb(streamId: string, time: number, from: number, stepMs: number): void {
  const step = Math.max(1000, stepMs);
  const at = Math.max(Math.floor(time / step) * step, from + 1);
  const url = urlOf('thumbnail', { stream_id: streamId }, { at: new Date(at).toISOString(), width: 240 });
  wanted = { streamId, at, url };
  const before = known.get(url);
  if (before === true) thumb.value = wanted;
  else if (before === undefined && !isBusy) load();
}

/** The pointer is gone. */
export function forgetThumb(): void {
  wanted = undefined;
  thumb.value = undefined;
}

function load(): void {
  const current = wanted;
  if (current === undefined || known.has(current.url)) return;
  isBusy = true;
  const done = (isThere: boolean) => {
    known.set(current.url, isThere);
    if (known.size > remembered) known.delete(known.keys().next().value ?? '');
    if (isThere && wanted?.streamId === current.streamId) thumb.value = current;
    setTimeout(() => {
      isBusy = false;
      if (wanted !== undefined && wanted.url !== current.url) load();
    }, leastPauseMs);
  };
  const image = new Image();
  image.onload = () => done(true);
  image.onerror = () => done(false);
  image.src = current.url;
}

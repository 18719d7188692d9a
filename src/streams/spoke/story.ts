/** The life of one stream in a few log lines for its owner: what it was told, what was found, what it does, what went wrong. */
import type { SourceProbe } from '../../contracts/stream.js';
import { type CapturePlan, maskSecrets, type Source } from '../../media/index.js';
import type { Failure } from './failure.js';

export type StoryLevel = 'info' | 'warning' | 'error';

/** While a source stays away for the same reason, it is said again only after so long. */
const repeatAfterMs = 30_000;

/** The clock is given. What was said already is not said again until the stream is told something else. */
export class StreamStory {
  readonly #say: (level: StoryLevel, message: string) => void;
  #secrets: readonly string[] = [];
  #found = '';
  #plan = '';
  #sinceMs = 0;
  #lostMs: number | undefined;
  #failure: { readonly reason: string; readonly atMs: number } | undefined;
  #tellsWait = true;

  constructor(say: (level: StoryLevel, message: string) => void) {
    this.#say = say;
  }

  /** `by` in words: who told it. */
  told(action: string, by: string): void {
    this.#line('info', `Told to ${action} by ${by}`);
  }

  /** Somebody asked for another picture: waiting for it counts from now. */
  begins(source: Source | undefined, nowMs: number): void {
    this.#secrets = source !== undefined && 'secrets' in source ? source.secrets : [];
    this.#found = '';
    this.#plan = '';
    this.#sinceMs = nowMs;
    this.#failure = undefined;
  }

  probed(source: Source, probe: SourceProbe): void {
    const { video, audio, container } = probe;
    const rate = video?.frame_rate === undefined ? '' : `, ${Math.round(video.frame_rate * 100) / 100} fps`;
    const tracks = [
      ...(video === undefined ? [] : [`${video.codec} ${video.width}x${video.height}${rate}`]),
      audio === undefined ? 'no audio' : `audio ${audio.codec}`,
      ...(container === undefined ? [] : [`as ${container}`]),
    ];
    const found = `Found at ${source.display}: ${tracks.join(', ')}`;
    if (found === this.#found) return;
    this.#found = found;
    this.#line('info', `${found} (looked for ${Math.round(probe.took_ms)} ms)`);
  }

  planned({ video, why }: CapturePlan): void {
    const plan = video.mode === 'copy' ? `Copying the video: ${why}` : `Encoding the video with ${video.encoder}: ${why}`;
    if (plan === this.#plan) return;
    this.#plan = plan;
    this.#line('info', plan);
  }

  shown(nowMs: number): void {
    if (this.#lostMs === undefined) this.#line('info', `First picture after ${Math.round(nowMs - this.#sinceMs)} ms`);
    else this.#line('info', `Back after ${seconds(nowMs - this.#lostMs)}`);
    this.#lostMs = undefined;
    this.#failure = undefined;
  }

  /** `wasPlaying`: its picture was the one on screen. */
  failed({ reason, kind, message }: Failure, wasPlaying: boolean, nowMs: number): void {
    if (wasPlaying || kind !== 'switch') this.#lostMs ??= nowMs;
    const isNews = wasPlaying || this.#failure?.reason !== reason || nowMs - this.#failure.atMs >= repeatAfterMs;
    this.#tellsWait = isNews;
    if (!isNews) return;
    this.#failure = { reason, atMs: nowMs };
    const what = wasPlaying ? 'Source lost' : 'No picture';
    if (kind === 'switch') this.#line('warning', `${what} (${reason}): ${message}; trying another way at once`);
    else this.#line('error', `${what} (${reason}): ${message}`);
  }

  /** After `failed`; said only when the failure was. */
  waits(delayMs: number, isSensed: boolean): void {
    if (this.#tellsWait) this.#line('info', `Retry in ${seconds(delayMs)}${isSensed ? ', or as soon as the source is back' : ''}`);
  }

  stopped(reason: string): void {
    this.#lostMs = undefined;
    this.#line('info', `Stopped (${reason})`);
  }

  #line(level: StoryLevel, message: string): void {
    this.#say(level, maskSecrets(message, this.#secrets));
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

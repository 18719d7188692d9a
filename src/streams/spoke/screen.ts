/** What viewers of one stream see: one outlet on the bus, and one picture on it at a time. */
import type { MediaPublisher, StoredFragment } from '../../bus/index.js';
import type { StreamStatus } from '../../contracts/stream.js';
import type { Fragment, InitSegment } from '../../media/index.js';
import type { StreamRecorder } from './recorder.js';

export type Picture = 'source' | 'no-signal';

export class Screen {
  readonly #publisher: MediaPublisher;
  readonly #recorder: StreamRecorder;
  #shown: { readonly owner: object; readonly picture: Picture } | undefined;
  /** Of the last picture of the source: the no-signal picture has the same. */
  #size: { width: number; height: number; hasAudio: boolean } | undefined;
  #facts: Pick<StreamStatus, 'video' | 'audio' | 'codecs'> = {};
  readonly #keep = (stored: StoredFragment) => this.#recorder.push(stored);

  constructor(publisher: MediaPublisher, recorder: StreamRecorder) {
    this.#publisher = publisher;
    this.#recorder = recorder;
  }

  get shows(): Picture | undefined {
    return this.#shown?.picture;
  }

  get size(): { width: number; height: number; hasAudio: boolean } | undefined {
    return this.#size;
  }

  /** Tracks of the picture, for the status. */
  get facts(): Pick<StreamStatus, 'video' | 'audio' | 'codecs'> {
    return this.#facts;
  }

  get publisher(): MediaPublisher {
    return this.#publisher;
  }

  /** A new epoch: from now on only fragments of this owner are shown. */
  begin(owner: object, picture: Picture, init: InitSegment, frameRate?: number): void {
    const { video, audio, codecs } = init.facts;
    this.#shown = { owner, picture };
    if (picture === 'source' && video !== undefined) this.#size = { width: video.width, height: video.height, hasAudio: audio !== undefined };
    this.#facts = {
      codecs,
      ...(video === undefined
        ? {}
        : {
            video: {
              codec: video.codec,
              width: video.width,
              height: video.height,
              ...(video.profile === undefined ? {} : { profile: video.profile }),
              ...(frameRate === undefined ? {} : { frame_rate: frameRate }),
            },
          }),
      ...(audio === undefined ? {} : { audio: { codec: audio.codec, sample_rate: audio.sampleRate, channels: audio.channels } }),
    };
    const epoch = this.#publisher.begin({ init: init.bytes, codecs, picture });
    if (picture === 'source') this.#recorder.begin(epoch, init.bytes);
  }

  /** Shows a fragment of this owner; one of any other is left out. */
  push(owner: object, { isKey, bytes, timeMs, durationMs }: Fragment): void {
    if (this.#shown?.owner !== owner) return;
    const keep = this.#shown.picture === 'source' ? this.#keep : undefined;
    this.#publisher.push({ kind: isKey ? 'key' : 'delta', data: bytes, timeMs, durationMs }, keep);
  }

  /** Nobody shows anything any more. */
  clear(): void {
    this.#shown = undefined;
    this.#facts = {};
  }
}

/**
 * A device can be opened once. Where the gateway opens it, the camera's stream reads from the gateway instead; the cameras part goes on
 * speaking of the device. What is stored as the source of the stream says who opens the device: nobody else keeps account of it.
 */
import type { StoredStream, StreamsOfCameras } from '../cameras/index.js';
import type { Gateway } from '../gateways/index.js';
import type { Logger } from '../telemetry/index.js';
import { localSpokeId } from './local-spoke.js';

export interface CaptureOptions {
  /** Opens devices of this machine, or tells that it does not. */
  readonly gateway: Pick<Gateway, 'sourceOf' | 'onEvent'>;
  /** Whether sources may be read from this address. */
  readonly isAllowed: (address: string) => boolean;
  /** A gateway that is away for so long is not waited for any more: the spoke opens the devices. Default 15 s. */
  readonly awayMs?: number;
  readonly log: Logger;
}

const usualAwayMs = 15_000;

/** Wraps the streams for the cameras part. */
export function createCapturedStreams(streams: StreamsOfCameras, options: CaptureOptions): StreamsOfCameras {
  const captures = new Captures(streams, options);
  return {
    ...streams,
    stored: (streamId) => captures.stored(streamId),
    define(stream, actor) {
      const device = captures.lead(stream.stream_id, stream.config.device, stream.spoke);
      return streams.define({ ...stream, config: withDevice(stream.config, device) }, actor);
    },
    async change(streamId, changes, actor) {
      const before = streams.stored(streamId);
      if (changes.config === undefined || before === undefined) return streams.change(streamId, changes, actor);
      const isKnown = captures.knows(streamId);
      const device = captures.lead(streamId, changes.config.device, changes.spoke === undefined ? before.spoke : changes.spoke);
      const next = { ...changes, config: withDevice(changes.config, device) };
      // Heard again after a start of the hub: only we did not know the node. The picture need not be interrupted.
      if (!isKnown && isNoChange(before, next)) return;
      await streams.change(streamId, next, actor);
    },
    async remove(streamId, actor) {
      captures.forget(streamId);
      await streams.remove(streamId, actor);
    },
  };
}

class Captures {
  readonly #streams: StreamsOfCameras;
  readonly #options: CaptureOptions;
  /** The node of each stream whose picture comes by way of the gateway. */
  readonly #nodes = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #isAway = false;

  constructor(streams: StreamsOfCameras, options: CaptureOptions) {
    this.#streams = streams;
    this.#options = options;
    options.gateway.onEvent((event) => {
      if (event.kind !== 'state') return;
      const { state } = event.state;
      if (state === 'unavailable' || state === 'circuit_open')
        this.#timer ??= setTimeout(() => this.#giveUp(), options.awayMs ?? usualAwayMs).unref();
      else if (state !== 'starting') this.#back();
    });
  }

  /** What the stream is to read from: the device itself, or the gateway that opens it. */
  lead(streamId: string, device: string | undefined, spoke: string | null): string | undefined {
    this.#nodes.delete(streamId);
    if (device?.startsWith('/dev/') !== true || spoke !== localSpokeId || this.#isAway) return device;
    const source = this.#options.gateway.sourceOf(streamId);
    if (source === undefined || !this.#options.isAllowed(source)) return device;
    this.#nodes.set(streamId, device);
    return source;
  }

  knows(streamId: string): boolean {
    return this.#nodes.has(streamId);
  }

  stored(streamId: string): StoredStream | undefined {
    const stored = this.#streams.stored(streamId);
    const device = this.#nodes.get(streamId);
    // Another address is one that somebody chose for the stream, or that of a gateway on another port: the camera is to be led again.
    if (stored === undefined || device === undefined || stored.config.device !== this.#options.gateway.sourceOf(streamId)) return stored;
    return { ...stored, config: { ...stored.config, device } };
  }

  forget(streamId: string): void {
    this.#nodes.delete(streamId);
  }

  #back(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isAway = false;
  }

  /** From now on the spoke opens the devices, and keeps them when the gateway is back: another change would cut the picture again. */
  #giveUp(): void {
    this.#isAway = true;
    for (const [streamId, device] of [...this.#nodes]) {
      const stored = this.#streams.stored(streamId);
      this.#nodes.delete(streamId);
      if (stored === undefined || stored.config.device !== this.#options.gateway.sourceOf(streamId)) continue;
      this.#options.log.warn({ stream_id: streamId, device }, 'the gateway is away; the spoke opens the device itself');
      this.#streams.change(streamId, { config: { ...stored.config, device } }, { user_id: null }).catch((error: unknown) => {
        this.#options.log.warn({ err: error, stream_id: streamId }, 'a camera could not be taken back from the gateway');
      });
    }
  }
}

function isNoChange(before: StoredStream, { config, spoke, ...rest }: Partial<StoredStream>): boolean {
  const isSame = JSON.stringify(config) === JSON.stringify(before.config) && (spoke === undefined || spoke === before.spoke);
  return isSame && Object.keys(rest).length === 0;
}

function withDevice<C extends { device?: string | undefined }>(config: C, device: string | undefined): C {
  return device === undefined ? config : { ...config, device };
}

/** One camera of a running Weir and its recordings, asked as a person would. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Alert, Camera, Coverage, GapCause, Recording, RecordingState, Segment } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { readCounters } from './pictures.js';
import type { Weir } from './weir.js';

export class RecordedCamera {
  readonly id: string;
  readonly #weir: Weir;

  private constructor(weir: Weir, id: string) {
    this.#weir = weir;
    this.id = id;
  }

  /** One that is there. */
  static of(weir: Weir, id: string): RecordedCamera {
    return new RecordedCamera(weir, id);
  }

  /** Adds it; default: a test picture of 320x180 with 15 frames a second. */
  static async add(weir: Weir, camera: Readonly<Record<string, unknown>> = {}): Promise<RecordedCamera> {
    const body = { name: 'Yard', source: 'test:', resolution: '320x180', framerate: 15, ...camera };
    return new RecordedCamera(weir, (await weir.api<Camera>('POST', '/api/v1/cameras', body)).camera_id);
  }

  start(order: Readonly<Record<string, unknown>> = {}): Promise<Recording> {
    return this.#weir.api<Recording>('POST', `/api/v1/streams/${this.id}/recording`, { pre_roll_s: 0, ...order });
  }

  stop(): Promise<Recording> {
    return stopRecording(this.#weir, this.id);
  }

  async recording(): Promise<Recording | null> {
    return (await this.#weir.api<{ recording: Recording | null }>('GET', `/api/v1/streams/${this.id}/recording`)).recording;
  }

  async when(isSo: (now: Recording) => boolean, what: string, deadlineMs = 40_000): Promise<Recording> {
    let last: Recording | null = null;
    try {
      return await waitFor(
        async () => {
          last = await this.recording();
          return last !== null && isSo(last) ? last : undefined;
        },
        { what: `recording of ${this.id}: ${what}`, deadlineMs, everyMs: 50 },
      );
    } catch (error) {
      throw new Error(`${String(error)}\nlast: ${JSON.stringify(last)}\n${this.#weir.log.slice(-3000)}`);
    }
  }

  is(state: RecordingState, deadlineMs?: number): Promise<Recording> {
    return this.when((now) => now.state === state, `is ${state}`, deadlineMs);
  }

  /** So many seconds more than now are recorded. */
  async goesOn(seconds: number): Promise<void> {
    const { elapsed_s: before } = await this.is('recording');
    await this.when((now) => now.elapsed_s > before + seconds, `${seconds} s more`);
  }

  /** Finished files, oldest first. */
  async segments(recordingId?: string): Promise<Segment[]> {
    const which = recordingId === undefined ? '' : `&recording_id=${recordingId}`;
    const { items } = await this.#weir.api<{ items: Segment[] }>('GET', `/api/v1/recordings/segments?stream_id=${this.id}${which}&limit=1000`);
    return items.sort((a, b) => a.started_at.localeCompare(b.started_at));
  }

  /** The pictures in each finished file, downloaded and decoded; as many as its entry says. */
  async counters(recordingId: string): Promise<number[][]> {
    const all: number[][] = [];
    for (const segment of await this.segments(recordingId)) {
      const answer = await this.#weir.request('GET', segment.download_url);
      assert.equal(answer.status, 200, segment.filename);
      const file = join(this.#weir.dataFolder, `${segment.filename}.fetched.mp4`);
      await writeFile(file, Buffer.from(await answer.arrayBuffer()));
      const counters = await readCounters(file);
      assert.equal(counters.length, segment.frames, `${segment.filename}: as many pictures as its entry says`);
      all.push(counters);
    }
    return all;
  }

  coverage(fromMs: number, toMs: number): Promise<Coverage> {
    const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()];
    return this.#weir.api<Coverage>('GET', `/api/v1/streams/${this.id}/coverage?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`);
  }

  /** Causes of what is missing between the first and the last picture of a recording. */
  async gapsOf(recordingId: string): Promise<(GapCause | undefined)[]> {
    const times = (await this.segments(recordingId)).flatMap((one) => [Date.parse(one.started_at), Date.parse(one.ended_at)]);
    const { spans } = await this.coverage(Math.min(...times), Math.max(...times));
    return spans.filter((span) => span.state === 'missing').map((span) => span.cause);
  }

  async alert(kind: string): Promise<Alert | undefined> {
    const { items } = await this.#weir.api<{ items: Alert[] }>('GET', '/api/v1/alerts');
    return items.find((one) => one.kind === kind);
  }

  /** The condition was told, and told to be over. */
  alertOver(kind: string): Promise<Alert> {
    return waitFor(
      async () => {
        const alert = await this.alert(kind);
        return alert !== undefined && alert.cleared_at !== null ? alert : undefined;
      },
      { deadlineMs: 20_000, everyMs: 100, what: `the end of ${kind}` },
    );
  }

  alertRaised(kind: string): Promise<Alert> {
    return waitFor(
      async () => {
        const alert = await this.alert(kind);
        return alert !== undefined && alert.cleared_at === null ? alert : undefined;
      },
      { deadlineMs: 20_000, everyMs: 100, what: kind },
    );
  }
}

/** Stops what was started by hand, and waits for its end: a busy machine is answered before that, with `stopping`. */
export async function stopRecording(weir: Weir, cameraId: string): Promise<Recording> {
  const answer = await weir.api<Recording>('DELETE', `/api/v1/streams/${cameraId}/recording`);
  return waitFor(
    async () => {
      const { items } = await weir.api<{ items: Recording[] }>('GET', `/api/v1/recordings?stream_id=${cameraId}&limit=100`);
      return items.find((one) => one.recording_id === answer.recording_id && (one.state === 'stopped' || one.state === 'failed'));
    },
    { deadlineMs: 40_000, everyMs: 50, what: `the end of ${answer.recording_id}` },
  );
}

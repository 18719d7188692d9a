/** The paths of one MediaMTX as they are wished: made, compared, deleted, one change at a time. */
import { WeirError } from '../../contracts/index.js';
import type { GatewayRecordOrder, PathWish } from '../gateway.js';
import type { MtxClient, MtxPath } from './client.js';
import type { HubInputs } from './hub-input.js';
import { recordFields } from './path-config.js';
import { driftOf, type PathStep, planPaths } from './plan.js';
import type { Remembered } from './remembered.js';
import { createSerial } from './serial.js';
import type { MtxServer } from './server.js';
import type { Wishes } from './wishes.js';

export interface KeptPathsOptions {
  readonly client: MtxClient;
  readonly wishes: Wishes;
  readonly memory: Remembered;
  readonly server: MtxServer;
  readonly inputs: HubInputs;
}

/** A path's own settings are compared with what we gave only so often: they are large. */
const driftEveryLooks = 6;
const verifyMs = 2000;

/** Owns what this run of MediaMTX was given. */
export class KeptPaths {
  readonly #options: KeptPathsOptions;
  readonly #given = new Map<string, string>();
  readonly #serial = createSerial();
  #looks = 0;

  constructor(options: KeptPathsOptions) {
    this.#options = options;
  }

  /** Paths that were given. */
  get count(): number {
    return this.#given.size;
  }

  has(streamId: string): boolean {
    return this.#given.has(streamId);
  }

  /** Another MediaMTX runs, which has none of them. */
  forget(): void {
    this.#given.clear();
    this.#looks = 0;
  }

  /** Makes one path and waits until it is shown. Throws `unavailable` when it is not, `invalid_argument` when MediaMTX refuses it. */
  async ensure(wish: PathWish, signal?: AbortSignal): Promise<void> {
    const { client, wishes } = this.#options;
    const config = wishes.ensure(wish);
    await this.#serial(async () => {
      if (this.#given.get(wish.streamId) === JSON.stringify(config) && (await client.path(wish.streamId, signal)) !== undefined) return;
      await this.#put(wish.streamId, signal);
      await this.#verify(wish.streamId, signal);
    });
  }

  /** Deletes a path that is not wished any more. */
  async remove(streamId: string, signal?: AbortSignal): Promise<void> {
    this.#options.wishes.remove(streamId);
    await this.#serial(() => this.#delete(streamId, signal));
  }

  /** Begins or (null) ends recording at the gateway, without a break of the path. Throws `not_found` for a path that is not wished. */
  async record(streamId: string, order: GatewayRecordOrder | null, signal?: AbortSignal): Promise<void> {
    const { client, wishes, memory, server } = this.#options;
    const fields = recordFields(order, server.recordFolder);
    await this.#serial(async () => {
      if (!wishes.all.has(streamId))
        throw new WeirError('not_found', `The gateway has no path ${streamId}`, { facts: { resource: 'path', id: streamId } });
      await client.patchPath(streamId, fields, signal);
      if (order === null) memory.records.delete(streamId);
      else memory.records.set(streamId, order);
      memory.save();
      // A path that is given the same with the record fields is not made anew.
      const wish = wishes.all.get(streamId);
      if (wish !== undefined) this.#given.set(streamId, JSON.stringify(wishes.configOf(wish)));
    });
  }

  /** Makes the paths as they are wished; `look` gives those that there are. */
  reconcile(look: Promise<readonly MtxPath[]>, signal: AbortSignal | undefined): Promise<{ made: number; removed: number }> {
    return this.#serial(() => this.#reconcile(look, signal));
  }

  async #reconcile(look: Promise<readonly MtxPath[]>, signal: AbortSignal | undefined): Promise<{ made: number; removed: number }> {
    const { client, wishes, memory, server, inputs } = this.#options;
    const existing = new Set((await look).map((path) => path.name));
    const wanted = await wishes.reload();
    const drifted = this.#looks++ % driftEveryLooks === driftEveryLooks - 1 ? driftOf(await client.pathConfigs(signal), wanted) : new Set<string>();
    const isOurs = (name: string) => server.managed === 'child' || memory.paths.has(name);
    const steps = planPaths({ wanted, given: this.#given, existing, drifted, isOurs });
    for (const step of steps) await this.#perform(step, signal);
    for (const id of wishes.all.keys()) if (!wishes.captures(id)) await inputs.refresh(id);
    return { made: steps.filter((step) => step.kind === 'put').length, removed: steps.filter((step) => step.kind === 'delete').length };
  }

  async #perform(step: PathStep, signal: AbortSignal | undefined): Promise<void> {
    if (step.kind === 'delete') return await this.#delete(step.name, signal);
    try {
      await this.#put(step.name, signal);
    } catch (error) {
      // One path that MediaMTX refuses must not keep the others from being made.
      if (!(error instanceof WeirError) || error.code !== 'invalid_argument') throw error;
      this.#options.wishes.refuse(step.name, error.message);
    }
  }

  async #put(streamId: string, signal: AbortSignal | undefined): Promise<void> {
    const { client, wishes, memory, inputs } = this.#options;
    const wish = wishes.all.get(streamId);
    if (wish === undefined) return;
    if (!wishes.captures(streamId)) await inputs.refresh(streamId);
    const config = wishes.configOf(wish);
    await client.replacePath(streamId, config, signal);
    this.#given.set(streamId, JSON.stringify(config));
    memory.paths.add(streamId);
    memory.save();
  }

  async #delete(streamId: string, signal: AbortSignal | undefined): Promise<void> {
    const { client, memory, inputs } = this.#options;
    await client.deletePath(streamId, signal);
    this.#given.delete(streamId);
    memory.paths.delete(streamId);
    memory.records.delete(streamId);
    memory.save();
    inputs.remove(streamId);
  }

  /** The configuration is taken at once, the path itself comes a moment later. */
  async #verify(streamId: string, signal: AbortSignal | undefined): Promise<void> {
    const limit = AbortSignal.timeout(verifyMs);
    for (;;) {
      if ((await this.#options.client.path(streamId, signal)) !== undefined) return;
      if (limit.aborted)
        throw new WeirError('unavailable', `MediaMTX took the path ${streamId}, but does not show it`, { facts: { dependency: 'mediamtx' } });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

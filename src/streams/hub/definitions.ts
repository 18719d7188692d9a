/** The streams as they are defined: kept in SQL, revisioned, each change told in the transaction that makes it. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type CreateStream, reservedStreamIds, type StreamConfig, type UpdateStream, WeirError } from '../../contracts/index.js';
import { parseOutput, parseSource, type SourcePolicy } from '../../media/index.js';
import type { NewStream, StreamChanges, StreamRecord, Transaction } from '../../store/index.js';
import type { HubStore } from './needs.js';

/** Most streams that foreign spokes may bring along. */
export const maxForeignStreams = 200;

/** Who asked for a change, as told in the event. */
export interface Actor {
  readonly user_id: string | null;
}

const deletedMemoryMs = 60_000;

export interface DefinitionsOptions {
  readonly store: HubStore;
  readonly policy: SourcePolicy;
  readonly onChange: (streamId: string) => void;
  /** A spoke of ours was started for this stream and takes its definition from here. Default: none. */
  readonly waitsForUs?: (streamId: string) => boolean;
}

/** Owns the definitions. Reads come from memory, which every change and every `load` brings up to date. */
export class Definitions {
  readonly #store: HubStore;
  readonly #policy: SourcePolicy;
  readonly #onChange: (streamId: string) => void;
  readonly #waitsForUs: (streamId: string) => boolean;
  #records = new Map<string, StreamRecord>();
  readonly #deleted = new Map<string, number>();

  constructor(options: DefinitionsOptions) {
    this.#store = options.store;
    this.#policy = options.policy;
    this.#onChange = options.onChange;
    this.#waitsForUs = options.waitsForUs ?? (() => false);
  }

  /** Reads everything anew: another hub may have changed it. */
  async load(): Promise<readonly StreamRecord[]> {
    const records = await this.#store.streams.all();
    this.#records = new Map(records.map((record) => [record.stream_id, record]));
    return records;
  }

  get(streamId: string): StreamRecord | undefined {
    return this.#records.get(streamId);
  }

  /** The definition; throws `not_found`. */
  need(streamId: string): StreamRecord {
    const record = this.#records.get(streamId);
    if (record !== undefined) return record;
    throw new WeirError('not_found', `There is no stream ${streamId}`);
  }

  all(): StreamRecord[] {
    return [...this.#records.values()];
  }

  /** True for a minute after the stream was deleted: late reports of its last spoke must not bring it back. */
  isJustDeleted(streamId: string): boolean {
    const at = this.#deleted.get(streamId);
    return at !== undefined && performance.now() - at < deletedMemoryMs;
  }

  /** True for a stream that is known only because its spoke, one of ours, waits for a definition. */
  isOpen(streamId: string): boolean {
    return this.#records.get(streamId)?.managed === false && this.#waitsForUs(streamId);
  }

  /** Throws `already_exists`, or what is wrong with the configuration as an error of the field. */
  async create(request: CreateStream, actor: Actor, reserved: (streamId: string) => boolean = () => true): Promise<StreamRecord> {
    this.checkConfig(request.config);
    const name = request.name ?? request.stream_id ?? nameOfSource(request.config.device ?? '');
    const streamId = request.stream_id ?? (await this.#freeId(name));
    if (reservedStreamIds.has(streamId))
      throw new WeirError('invalid_argument', `A stream cannot be called ${streamId}: the interface has a page there`, {
        field: 'stream_id',
        received: streamId,
        hint: `Choose another id, for example ${streamId}-stream`,
      });
    if (!reserved(streamId))
      throw new WeirError('permission_denied', `You may not define a stream ${streamId}`, { hint: 'Use an id you were granted' });
    const definition = {
      name,
      config: request.config,
      desired: request.desired ?? 'running',
      on_demand: request.on_demand ?? false,
      managed: true,
      spoke: request.spoke ?? null,
    };
    return this.isOpen(streamId) ? this.change(streamId, definition, actor) : this.#insert({ stream_id: streamId, ...definition }, actor);
  }

  /** Takes a stream on that a foreign spoke reports. Throws `resource_exhausted` beyond {@link maxForeignStreams}. */
  async adopt(streamId: string, isRunning: boolean): Promise<StreamRecord> {
    const foreign = this.all().filter((record) => !record.managed).length;
    if (foreign >= maxForeignStreams) throw new WeirError('resource_exhausted', `More than ${maxForeignStreams} foreign streams report themselves`);
    const desired = isRunning ? 'running' : 'stopped';
    return this.#insert(
      { stream_id: streamId, name: streamId, config: {}, desired, on_demand: false, managed: false, spoke: null },
      { user_id: null },
    );
  }

  /** Throws `not_found`, `failed_precondition` for an old revision or a foreign stream, or the fault of a field. */
  async update(streamId: string, request: UpdateStream, actor: Actor): Promise<StreamRecord> {
    const { revision, ...changes } = request;
    const before = this.need(streamId);
    const defines = changes.config !== undefined && this.isOpen(streamId);
    if (!before.managed && !defines && (changes.config !== undefined || changes.on_demand !== undefined || changes.spoke !== undefined)) {
      throw new WeirError('failed_precondition', `${streamId} belongs to a foreign spoke: only its name can be changed here`);
    }
    if (changes.config !== undefined) {
      if (changes.config.device === undefined) throw fieldError('config.device', 'name a source');
      this.checkConfig(changes.config);
    }
    // Read anew: another hub may have changed it since.
    const present = (await this.#store.streams.get(streamId)) ?? before;
    const different = differentFrom(present, changes);
    // Nothing to tell anybody, and no new revision that others would trip over.
    if (!defines && Object.keys(different).length === 0 && (revision ?? present.revision) === present.revision) return present;
    return this.change(streamId, { ...different, ...(defines ? { managed: true } : {}) }, actor, revision);
  }

  /** Applies changes already known to be valid. */
  async change(streamId: string, changes: StreamChanges, actor: Actor, expectedRevision?: number): Promise<StreamRecord> {
    const record = await this.#store.transaction(async (tx) => {
      const updated = await tx.streams.update(streamId, changes, expectedRevision);
      await tell(tx, updated, 'updated', actor);
      return updated;
    });
    return this.#keep(record);
  }

  /** Deletes it and closes its alerts; throws `not_found`. */
  async remove(streamId: string, actor: Actor): Promise<void> {
    const before = this.need(streamId);
    this.#forgetOldDeletions();
    // Before the deletion: whoever stores something about the stream meanwhile sees afterwards that it was in vain.
    this.#deleted.set(streamId, performance.now());
    try {
      await this.#store.transaction(async (tx) => {
        if (!(await tx.streams.delete(streamId))) throw new WeirError('not_found', `There is no stream ${streamId}`);
        await tx.alerts.clearStream(streamId);
        await tell(tx, before, 'deleted', actor);
      });
    } catch (error) {
      this.#deleted.delete(streamId);
      throw error;
    }
    this.#records.delete(streamId);
    this.#onChange(streamId);
  }

  /** Throws the fault as an error of the field `config.device` or `config.output_url`. */
  checkConfig(config: StreamConfig): void {
    inField('config.device', () => parseSource(config.device ?? '', this.#policy));
    const output = config.output_url;
    if (output !== undefined) inField('config.output_url', () => parseOutput(output));
  }

  async #insert(stream: NewStream, actor: Actor): Promise<StreamRecord> {
    const record = await this.#store.transaction(async (tx) => {
      const inserted = await tx.streams.insert(stream);
      await tell(tx, inserted, 'created', actor);
      return inserted;
    });
    this.#deleted.delete(stream.stream_id);
    return this.#keep(record);
  }

  #keep(record: StreamRecord): StreamRecord {
    this.#records.set(record.stream_id, record);
    this.#onChange(record.stream_id);
    return record;
  }

  async #freeId(name: string): Promise<string> {
    const base = idFromName(name);
    for (let number = 1; number <= 1000; number += 1) {
      const id = number === 1 ? base : `${base.slice(0, 58)}-${number}`;
      if (!reservedStreamIds.has(id) && !this.#records.has(id) && (await this.#store.streams.get(id)) === undefined) return id;
    }
    throw new WeirError('already_exists', `Too many streams are named ${name}`, { field: 'name', received: name });
  }

  #forgetOldDeletions(): void {
    for (const [streamId, at] of this.#deleted) if (performance.now() - at >= deletedMemoryMs) this.#deleted.delete(streamId);
  }
}

/** `Front door (2)` becomes `front-door-2`; what has no letter or digit becomes `stream`. */
export function idFromName(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const id = plain
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^[-_]+|-+$/g, '')
    .slice(0, 60);
  return id === '' ? 'stream' : id.replace(/-+$/, '');
}

/** A name for a stream that was given none: the host, device node, file or picture it shows. */
export function nameOfSource(device: string): string {
  if (device.startsWith('test:')) return 'Test picture';
  const url = /^[a-z]+:\/\/(?:[^/@]*@)?(\[[^\]]+\]|[^/:?#]+)/i.exec(device);
  const name = url?.[1] ?? device.split('/').at(-1) ?? '';
  return name.slice(0, 120) || 'Stream';
}

async function tell(tx: Transaction, record: StreamRecord, change: 'created' | 'updated' | 'deleted', actor: Actor): Promise<void> {
  const eventId = randomUUID();
  await tx.outbox.add({
    event_id: eventId,
    name: 'system_config',
    params: {},
    message: {
      event_id: eventId,
      entity: 'stream',
      entity_id: record.stream_id,
      change,
      revision: record.revision,
      ...(actor.user_id === null ? {} : { actor: actor.user_id }),
      timestamp: new Date().toISOString(),
    },
  });
}

function inField(field: string, check: () => unknown): void {
  try {
    check();
  } catch (thrown) {
    const error = WeirError.from(thrown);
    throw new WeirError(error.code, error.message, {
      errors: [{ field, message: error.message }],
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

function fieldError(field: string, message: string): WeirError {
  return new WeirError('invalid_argument', message, { field });
}

/** What is given, and is not so already. */
function differentFrom(before: StreamRecord, changes: Omit<UpdateStream, 'revision'>): StreamChanges {
  const isDifferent = ([key, value]: [string, unknown]) => value !== undefined && !isDeepStrictEqual(value, before[key as keyof StreamRecord]);
  return Object.fromEntries(Object.entries(changes).filter(isDifferent));
}

/** Streams that another part of the hub defines and keeps, for example the picture of a camera. Callers are inside the process; rights are theirs to check. */
import { type CreateStream, parseWith, type SourceProbe, type Stream, sourceProbeSchema, type UpdateStream } from '../../contracts/index.js';
import { maskDevice } from '../../media/index.js';
import type { StreamRecord } from '../../store/index.js';
import type { Actor, Definitions } from './definitions.js';
import type { Roster } from './roster.js';
import type { Standings } from './standings.js';

const probeMs = 12_000;

/** A stream that an owner defines; the id is given, and it always has a source. */
export type OwnedStream = Pick<CreateStream, 'config'> & { stream_id: string; name: string; on_demand: boolean; spoke: string | null };

/** What an owner may do with its streams. */
export interface OwnedStreams {
  /** As stored, with the secrets of its source; undefined when there is none. */
  stored(streamId: string): StreamRecord | undefined;
  /** As everybody sees it, with its state; undefined when there is none. */
  shown(streamId: string): Stream | undefined;
  /** Throws `already_exists`, or what is wrong with the configuration. It is wanted to run; on demand, as soon as somebody watches. */
  define(stream: OwnedStream, actor: Actor): Promise<void>;
  /** Throws `not_found`, or what is wrong with the configuration. */
  change(streamId: string, changes: Omit<UpdateStream, 'revision'>, actor: Actor): Promise<void>;
  /** Nothing happens when there is none. */
  remove(streamId: string, actor: Actor): Promise<void>;
  /** Has a spoke look at a source; throws `unavailable` when none is online. Secrets in the answer are masked. */
  probe(device: string, spokeId: string | null, signal: AbortSignal): Promise<SourceProbe>;
  /** Calls back when state or definition of a stream may have changed. Returns the way to unsubscribe. */
  onChange(listener: (streamId: string) => void): () => void;
}

export interface OwnedStreamsNouns {
  readonly definitions: Definitions;
  readonly standings: Standings;
  readonly roster: Roster;
  readonly prepare: (streamId: string) => Promise<void>;
  /** Before the definition goes: a spoke may not speak of a stream that is none of its own. */
  readonly endRecordings: (streamId: string) => Promise<void>;
  readonly forget: (streamId: string) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** `tell` is how the hub says that something about a stream may have changed. */
export function createOwnedStreams(nouns: OwnedStreamsNouns): { owned: OwnedStreams; tell: (streamId: string) => void } {
  const { definitions, standings, roster } = nouns;
  const listeners = new Set<(streamId: string) => void>();
  const owned: OwnedStreams = {
    stored: (streamId) => definitions.get(streamId),
    shown(streamId) {
      const record = definitions.get(streamId);
      return record === undefined ? undefined : standings.show(record);
    },
    async define(stream, actor) {
      await definitions.create({ ...stream, desired: 'running' }, actor);
      await nouns.prepare(stream.stream_id);
    },
    async change(streamId, changes, actor) {
      await definitions.update(streamId, changes, actor);
    },
    async remove(streamId, actor) {
      if (definitions.get(streamId) === undefined) return;
      await nouns.endRecordings(streamId);
      await definitions.remove(streamId, actor);
      await nouns.forget(streamId);
    },
    async probe(device, spokeId, signal) {
      definitions.checkConfig({ device });
      const chosen = roster.choose(spokeId ?? undefined, device);
      const found = parseWith(sourceProbeSchema, (await roster.command(chosen, { action: 'probe', device }, probeMs, signal)).result);
      return { ...found, device: maskDevice(found.device) };
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const tell = (streamId: string) => {
    for (const listener of listeners) {
      try {
        listener(streamId);
      } catch (error) {
        nouns.onFailure(error);
      }
    }
  };
  return { owned, tell };
}

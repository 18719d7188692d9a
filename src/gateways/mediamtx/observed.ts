/** What was seen of the paths, and what changed since the last look. */
import type { GatewayEvent } from '../gateway.js';
import type { MtxPath } from './client.js';

export interface Observed {
  /** Takes a whole look; answers with what is new. */
  take(paths: readonly MtxPath[]): GatewayEvent[];
  /** As of the last look; undefined for a path that was not there. */
  of(name: string): { readonly ready: boolean; readonly readers: number } | undefined;
}

interface Seen {
  readonly ready: boolean;
  readonly readers: ReadonlyMap<string, string>;
}

const nothing: Seen = { ready: false, readers: new Map() };

export function createObserved(): Observed {
  let seen = new Map<string, Seen>();
  return {
    take(paths) {
      const now = new Map(
        paths.map((path) => [path.name, { ready: path.ready, readers: new Map(path.readers.map((reader) => [readerIdOf(reader), reader.type])) }]),
      );
      const events = [...new Set([...seen.keys(), ...now.keys()])].flatMap((name) =>
        differences(name, seen.get(name) ?? nothing, now.get(name) ?? nothing),
      );
      seen = now;
      return events;
    },
    of(name) {
      const path = seen.get(name);
      return path === undefined ? undefined : { ready: path.ready, readers: path.readers.size };
    },
  };
}

function differences(streamId: string, before: Seen, after: Seen): GatewayEvent[] {
  const events: GatewayEvent[] = [];
  if (before.ready !== after.ready) events.push({ kind: after.ready ? 'path_ready' : 'path_not_ready', streamId });
  for (const [readerId, type] of after.readers) if (!before.readers.has(readerId)) events.push({ kind: 'reader_joined', streamId, readerId, type });
  for (const [readerId, type] of before.readers) if (!after.readers.has(readerId)) events.push({ kind: 'reader_left', streamId, readerId, type });
  return events;
}

/** Older versions have one HLS reader for all, without an id. */
export function readerIdOf(reader: { readonly type: string; readonly id: string }): string {
  return reader.id === '' ? reader.type : reader.id;
}

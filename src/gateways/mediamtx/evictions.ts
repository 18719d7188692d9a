/** Cuts off those at MediaMTX whose right has ended since they were let in: it asks once, when they come. */
import { WeirError } from '../../contracts/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { Admissions } from '../admissions.js';
import { canKick, type MtxClient, type MtxPath, type MtxReaderRef } from './client.js';

export interface EvictionParts {
  readonly client: Pick<MtxClient, 'kick' | 'rtspSessions'>;
  readonly admissions: Admissions;
  readonly log: Logger;
}

/** Resolves to the number of those who were cut. Never throws for a database that cannot tell: the next look asks again. */
export async function evict({ client, admissions, log }: EvictionParts, paths: readonly MtxPath[], signal: AbortSignal): Promise<number> {
  if (admissions.size === 0) return 0;
  const guests = guestsOf(paths);
  await nameSessions(client, admissions, guests, signal);
  const over = await admissions.over(new Set(guests.keys())).catch((error: unknown) => {
    log.warn({ err: error }, 'who may still read at the gateway could not be asked');
    return new Set<string>();
  });
  let cut = 0;
  for (const [id, { guest, streamId }] of guests) {
    if (!over.has(id)) continue;
    try {
      await client.kick(guest, signal);
      cut += 1;
      log.info({ stream_id: streamId, reader: id, type: guest.type }, 'somebody whose right has ended was cut off at the gateway');
    } catch (error) {
      if (WeirError.from(error).code !== 'not_found') throw error;
    }
  }
  return cut;
}

type Guests = ReadonlyMap<string, { readonly guest: MtxReaderRef; readonly streamId: string }>;

function guestsOf(paths: readonly MtxPath[]): Guests {
  const all = paths.flatMap(({ name, readers, publisher }) =>
    [...readers, ...(publisher === null ? [] : [publisher])].filter(canKick).map((guest) => [guest.id, { guest, streamId: name }] as const),
  );
  return new Map(all);
}

/** A session of RTSP that nobody was let in as was let in as its connection. */
async function nameSessions(client: EvictionParts['client'], admissions: Admissions, guests: Guests, signal: AbortSignal): Promise<void> {
  const isUnknown = [...guests].some(([id, { guest }]) => /^rtsps?Session$/.test(guest.type) && !admissions.has(id));
  if (!isUnknown) return;
  for (const [connection, session] of await client.rtspSessions(signal)) {
    if (guests.has(session) && !admissions.has(session)) admissions.rename(connection, session);
  }
}

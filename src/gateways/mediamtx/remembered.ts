/** What must survive a restart of the hub and cannot be asked of MediaMTX: which paths are ours, and what is recorded. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeFileAtomic } from '../../supervisor/index.js';
import type { GatewayRecordOrder } from '../gateway.js';

const schema = z.object({
  paths: z.array(z.string()).default([]),
  records: z
    .record(
      z.string(),
      z.object({ format: z.enum(['fmp4', 'mpegts']).optional(), segmentS: z.number().optional(), deleteAfterS: z.number().optional() }),
    )
    .default({}),
});

export interface Remembered {
  /** Names of the paths that we made. */
  readonly paths: Set<string>;
  readonly records: Map<string, GatewayRecordOrder>;
  save(): void;
}

/** An unreadable file is an empty one: paths are made again in any case. */
export function openRemembered(file: string): Remembered {
  const kept = readKept(file);
  const records = new Map<string, GatewayRecordOrder>();
  for (const [id, { format, segmentS, deleteAfterS }] of Object.entries(kept.records)) {
    records.set(id, {
      ...(format === undefined ? {} : { format }),
      ...(segmentS === undefined ? {} : { segmentS }),
      ...(deleteAfterS === undefined ? {} : { deleteAfterS }),
    });
  }
  const paths = new Set(kept.paths);
  let saved = '';
  return {
    paths,
    records,
    save() {
      const text = JSON.stringify({ paths: [...paths].sort(), records: Object.fromEntries(records) });
      if (text === saved) return;
      writeFileAtomic(file, text);
      saved = text;
    },
  };
}

function readKept(file: string): z.output<typeof schema> {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return { paths: [], records: {} };
  }
}

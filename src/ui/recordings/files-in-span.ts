/** The files that hold a part of the timeline, and how much of them falls into it. */
import type { Segment } from '../../contracts/recording.js';
import { call } from '../core/api.js';

export interface StreamSpan {
  readonly streamId: string;
  readonly from: number;
  readonly to: number;
}

const mostFiles = 1000;

/** All files that touch the span, oldest first; at most a thousand. Throws ApiError. */
export async function filesIn({ streamId, from, to }: StreamSpan, signal?: AbortSignal): Promise<Segment[]> {
  const query = { stream_id: streamId, from: new Date(from).toISOString(), to: new Date(to).toISOString(), limit: mostFiles };
  const answer = await call('list_segments', signal === undefined ? { query } : { query, signal });
  return answer.items.sort((a, b) => a.started_at.localeCompare(b.started_at));
}

/** Bytes of the files that fall into the span, taken as evenly spread. Pure. */
export function bytesIn(files: readonly Pick<Segment, 'started_at' | 'ended_at' | 'file_size'>[], from: number, to: number): number {
  let sum = 0;
  for (const file of files) {
    const start = Date.parse(file.started_at);
    const length = Date.parse(file.ended_at) - start;
    const overlap = Math.min(to, start + length) - Math.max(from, start);
    if (overlap > 0 && length > 0) sum += (file.file_size * overlap) / length;
  }
  return sum;
}

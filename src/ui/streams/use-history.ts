/** Reading a journal back over the bus, page by page. */
import type { HistoryReply, HistoryRequest } from '../../contracts/history.js';
import type { Live } from '../core/live.js';

const mostPages = 20;

/** Calls `onPage` for each page, oldest first; resolves to the sequence to go on from. Only a request with `after` has more than one page. */
export async function readHistory(
  current: Live,
  streamId: string,
  request: HistoryRequest,
  onPage: (reply: HistoryReply) => void,
  signal: AbortSignal,
): Promise<number> {
  let after = request.after;
  for (let page = 0; page < mostPages; page += 1) {
    const reply = await current.bus.request('stream_history', { stream_id: streamId }, { ...request, after }, { signal, timeoutMs: 10_000 });
    onPage(reply);
    if (reply.last <= (after ?? -1)) return reply.last;
    after = reply.last;
    if (!reply.more || request.after === undefined) break;
  }
  return after ?? 0;
}

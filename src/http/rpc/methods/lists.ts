/** Whole lists out of operations that answer in pages. */
import type { Camera, Stream } from '../../../contracts/index.js';
import type { RpcCall, RpcOperations } from '../call.js';

const pageSize = 500;
/** More cameras or streams than the configuration admits. */
const maxPages = 20;

export async function allCameras(operations: RpcOperations, { context }: RpcCall): Promise<{ cameras: Camera[]; total: number; connected: number }> {
  const first = await operations.list_cameras({ params: undefined, query: { limit: pageSize }, body: undefined }, context);
  const cameras = [...first.items];
  let cursor = first.next_cursor;
  for (let page = 1; cursor !== null && page < maxPages; page += 1) {
    const next = await operations.list_cameras({ params: undefined, query: { limit: pageSize, cursor }, body: undefined }, context);
    cameras.push(...next.items);
    cursor = next.next_cursor;
  }
  return { cameras, total: first.total, connected: first.connected };
}

export async function allStreams(operations: RpcOperations, { context }: RpcCall): Promise<Stream[]> {
  const streams: Stream[] = [];
  let cursor: string | null | undefined;
  for (let page = 0; cursor !== null && page < maxPages; page += 1) {
    const query = { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) };
    const next = await operations.list_streams({ params: undefined, query, body: undefined }, context);
    streams.push(...next.items);
    cursor = next.next_cursor;
  }
  return streams;
}

/** One camera; fails with `not_found` for one that is not there, so that each method says "camera" and not "stream". */
export async function oneCamera(operations: RpcOperations, device: string, { context }: RpcCall): Promise<Camera> {
  return operations.get_camera({ params: { camera_id: device }, query: undefined, body: undefined }, context);
}

export async function streamOf(operations: RpcOperations, device: string, { context }: RpcCall): Promise<Stream> {
  return operations.get_stream({ params: { stream_id: device }, query: undefined, body: undefined }, context);
}

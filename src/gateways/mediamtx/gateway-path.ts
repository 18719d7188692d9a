/** A path of MediaMTX in the words of the gateway contract. Pure. */
import type { GatewayPath } from '../../contracts/index.js';
import type { MtxClient, MtxPath } from './client.js';
import { readerIdOf } from './observed.js';

type ReaderDetails = Awaited<ReturnType<MtxClient['readerDetails']>>;

export function toGatewayPath(
  path: MtxPath,
  { isRecording, details }: { readonly isRecording: boolean; readonly details: ReaderDetails },
): GatewayPath {
  return {
    stream_id: path.name,
    exists: true,
    ready: path.ready,
    recording: isRecording,
    source: path.source,
    tracks: [...path.tracks],
    readers: path.readers.map((reader) => {
      const { address = null, user = null, bytesSent = null, since = null } = details.get(reader.id) ?? {};
      return { reader_id: readerIdOf(reader), type: reader.type, address, user, bytes_sent: bytesSent, since };
    }),
    bytes_received: path.bytesReceived,
    bytes_sent: path.bytesSent,
  };
}

/** One that is not there. */
export function missingPath(streamId: string): GatewayPath {
  return {
    stream_id: streamId,
    exists: false,
    ready: false,
    recording: false,
    source: null,
    tracks: [],
    readers: [],
    bytes_received: 0,
    bytes_sent: 0,
  };
}

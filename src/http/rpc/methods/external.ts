/** Streams that others serve on the network. */
import type { MethodParts, RpcWorks } from '../call.js';
import { byType, now, toRpcExternal } from './words.js';

type Names = 'discover_external_streams' | 'add_external_stream' | 'remove_external_stream' | 'get_external_streams' | 'set_discovery_interval';

export function externalWorks({ operations }: MethodParts): Pick<RpcWorks, Names> {
  const none = { params: undefined, query: undefined, body: undefined };
  return {
    async discover_external_streams(params, { context }) {
      const scan = await operations.scan_external_streams({ ...none, body: params }, context);
      return {
        ...scan,
        discovered_streams: scan.discovered_streams.map(toRpcExternal),
        skydio_streams: scan.skydio_streams.map(toRpcExternal),
        generic_streams: scan.generic_streams.map(toRpcExternal),
      };
    },
    async add_external_stream(params, { context }) {
      const { url, name, type } = await operations.add_external_stream({ ...none, body: params }, context);
      return { stream_url: url, stream_name: name, stream_type: type, status: 'ADDED', timestamp: now() };
    },
    async remove_external_stream({ stream_url }, { context }) {
      await operations.remove_external_stream({ ...none, query: { stream_url } }, context);
      return { stream_url, status: 'REMOVED', timestamp: now() };
    },
    async get_external_streams(_params, { context }) {
      const { items } = await operations.list_external_streams(none, context);
      const streams = items.map(toRpcExternal);
      return { external_streams: streams, ...byType(streams), total_count: streams.length, timestamp: now() };
    },
    async set_discovery_interval(params, { context }) {
      const { scan_interval } = await operations.set_scan_interval({ ...none, body: params }, context);
      const message = scan_interval === 0 ? 'The network is scanned only when asked' : `The network is scanned every ${scan_interval} s`;
      return { scan_interval, status: 'UPDATED', message, timestamp: now() };
    },
  };
}

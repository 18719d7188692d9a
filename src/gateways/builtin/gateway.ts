/** The hub itself as the gateway: HLS, `live.mp4` and the bus. It has no paths of its own, so it has none to lose. */
import { type GatewayState, type StreamUrls, WeirError } from '../../contracts/index.js';
import type { GatewayBackend, GatewayEvent, PathWish } from '../gateway.js';
import type { GatewayOptions } from '../options.js';
import { hubLinks } from '../urls.js';

/** Ready at once. */
export function createBuiltinGateway(options: Pick<GatewayOptions, 'publicUrl' | 'tls' | 'knowsStream' | 'wished'>): GatewayBackend {
  const { wished, knowsStream } = options;
  const ensured = new Map<string, PathWish>();
  const listeners = new Set<(event: GatewayEvent) => void>();
  const began = new Date().toISOString();
  let isStopped = false;
  const state = (): GatewayState => ({
    kind: 'builtin',
    state: isStopped ? 'stopped' : 'running',
    managed: 'none',
    version: null,
    features: { hls: true, live_mp4: true, on_demand: true, recording: false, kick: false, rtsp: false, webrtc: false },
    error: null,
    since: began,
  });
  const ids = async (): Promise<string[]> => [...new Set([...(await wished.list()).map((wish) => wish.streamId), ...ensured.keys()])];
  const toPath = (streamId: string, exists: boolean) => ({
    stream_id: streamId,
    exists,
    ready: exists && knowsStream(streamId),
    recording: false,
    source: exists ? 'hub' : null,
    tracks: [],
    readers: [],
    bytes_received: 0,
    bytes_sent: 0,
  });
  const end = async () => {
    isStopped = true;
    for (const listener of listeners) listener({ kind: 'state', state: state() });
    listeners.clear();
  };
  return {
    state,
    onEvent(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    health: () => ({ name: 'gateway', status: 'healthy', message: 'builtin', since: began }),
    // Nothing of the section is for a gateway that neither encodes nor opens anything.
    configure: () => undefined,
    // Whether it has a picture, and who watches, is told by the stream itself.
    seen: () => undefined,
    urlsOf: (streamId, host): StreamUrls => (knowsStream(streamId) && !isStopped ? hubLinks(streamId, host, options) : {}),
    sourceOf: () => undefined,
    ensurePath: async (wish) => void ensured.set(wish.streamId, wish),
    removePath: async (streamId) => void ensured.delete(streamId),
    reconcile: async () => ({ made: 0, removed: 0 }),
    paths: async () => (await ids()).map((streamId) => toPath(streamId, true)),
    path: async (streamId) => toPath(streamId, (await ids()).includes(streamId)),
    readers: async () => [],
    kick: async () => {
      throw lacks('kick', 'The builtin gateway does not cut readers off: end their sessions instead');
    },
    record: async () => {
      throw lacks('gateway_recording', 'The builtin gateway does not record: a spoke does');
    },
    recordings: async () => [],
    deleteRecording: async () => {
      throw lacks('gateway_recording', 'The builtin gateway has no recordings');
    },
    stop: end,
    detach: end,
    [Symbol.asyncDispose]: end,
  };
}

function lacks(feature: string, message: string): WeirError {
  return new WeirError('unsupported', message, { facts: { feature } });
}

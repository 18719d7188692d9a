/** Addresses that players use. */
import type { StreamUrls } from '../contracts/index.js';
import type { MtxPorts } from './mediamtx/ports.js';
import type { GatewayOptions } from './options.js';

/** What the hub serves itself. `host` as in a request's Host header. */
export function hubLinks(streamId: string, host: string, options: Pick<GatewayOptions, 'publicUrl' | 'tls'>): StreamUrls {
  const base = options.publicUrl?.replace(/\/+$/, '') ?? `${options.tls === true ? 'https' : 'http'}://${host}`;
  const path = `${base}/api/v1/streams/${encodeURIComponent(streamId)}`;
  return { hls: `${path}/hls/index.m3u8`, live_mp4: `${path}/live.mp4` };
}

/** What MediaMTX serves; a port of 0 is a protocol that is off. */
export function mediaMtxLinks(streamId: string, hostname: string, ports: Pick<MtxPorts, 'rtsp' | 'webrtc' | 'hls' | 'rtmp' | 'srt'>): StreamUrls {
  const at = (port: number) => `${hostname}:${port}`;
  return {
    ...(ports.rtsp > 0 ? { rtsp: `rtsp://${at(ports.rtsp)}/${streamId}` } : {}),
    ...(ports.webrtc > 0 ? { webrtc: `http://${at(ports.webrtc)}/${streamId}/whep` } : {}),
    ...(ports.hls > 0 ? { hls: `http://${at(ports.hls)}/${streamId}/index.m3u8` } : {}),
    ...(ports.srt > 0 ? { srt: `srt://${at(ports.srt)}?streamid=read:${streamId}` } : {}),
    ...(ports.rtmp > 0 ? { rtmp: `rtmp://${at(ports.rtmp)}/${streamId}` } : {}),
  };
}

/** The host without its port, IPv6 in brackets; `localhost` for what is no host. */
export function hostnameOf(host: string): string {
  if (!/^[A-Za-z0-9.:_[\]-]{1,255}$/.test(host)) return 'localhost';
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname : 'localhost';
}

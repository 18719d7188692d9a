/** The same fragments as HLS, where Media Source Extensions or WebSockets are missing; loaded only then. */
import { urlOf } from '../core/api.js';

export interface HlsPlayback {
  stop(): void;
}

/** Plays over HTTP, with the browser's own HLS where it has one. `onFailed` is told once when it cannot. */
export function playHls(video: HTMLVideoElement, streamId: string, onFailed: (message: string) => void): HlsPlayback {
  const url = urlOf('stream_hls', { stream_id: streamId });
  if (video.canPlayType('application/vnd.apple.mpegurl') !== '') {
    video.src = url;
    void video.play().catch(() => undefined);
    return { stop: () => video.removeAttribute('src') };
  }
  const controller = new AbortController();
  let stop = () => controller.abort();
  void import('hls.js/light').then(
    ({ default: Hls }) => {
      if (controller.signal.aborted) return;
      if (!Hls.isSupported()) {
        onFailed('This browser can play neither over the bus nor over HLS');
        return;
      }
      const hls = new Hls({ enableWorker: false, liveSyncDurationCount: 2, backBufferLength: 10 });
      hls.on(Hls.Events.ERROR, (_event, data) => {
        if (!data.fatal) return;
        if (data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
        else onFailed('The HLS playlist cannot be read');
      });
      hls.loadSource(url);
      hls.attachMedia(video);
      void video.play().catch(() => undefined);
      stop = () => hls.destroy();
    },
    () => onFailed('The HLS player could not be loaded'),
  );
  return { stop: () => stop() };
}

/** A video as others see it, with addresses. */
import type { JobProgress, Video } from '../../contracts/index.js';
import type { VideoRecord } from '../../store/index.js';

export interface VideoViewOptions {
  /** `http.public_url`; without it addresses are relative. */
  readonly publicUrl?: string | undefined;
  /** How the running job of a video goes. */
  readonly progressOf?: (videoId: string) => JobProgress | undefined;
}

/** A function from the record to what is shown. */
export function createVideoView({ publicUrl = '', progressOf }: VideoViewOptions): (record: VideoRecord) => Video {
  const base = publicUrl.replace(/\/$/, '');
  return (record) => {
    const { source, output_path: _path, poster, origin: _origin, ...shown } = record;
    const files = `${base}/files/videos/${record.video_id}/r${record.output?.revision}`;
    // Where another picture takes the name of the one before, the address must change for those who show it.
    const version = poster === null ? '' : `?v=${Date.parse(poster.chosen_at).toString(36)}`;
    const thumbnail = record.output?.thumbnail ?? null;
    return {
      ...shown,
      source: source === null ? null : { name: source.name, size_bytes: source.size_bytes, sha256: source.sha256, kept: source.kept },
      progress: progressOf?.(record.video_id)?.percent ?? record.progress,
      thumbnail_url: thumbnail === null ? null : `${files}/${thumbnail}${version}`,
      playback_url: record.output === null ? null : `${files}/${record.output.master}`,
      watch_url: `${base}/videos/${record.video_id}`,
    };
  };
}

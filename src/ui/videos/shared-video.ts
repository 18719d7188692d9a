/** What a page without login may know of a video: by a signed link, or by the id of a public one. */
import type { SharedVideo } from '../../contracts/video.js';

export interface Shared {
  readonly video: SharedVideo;
  /** Address of the folder of the files of its present revision. */
  readonly files: string;
}

export type Loaded = ({ kind: 'ready' } & Shared) | { kind: 'gone' } | { kind: 'away' };

/** A token of a link has two parts; the id of a video has no dot. */
function folderOf(token: string): string {
  return token.includes('.') ? `/v/${encodeURIComponent(token)}/` : `/files/videos/${encodeURIComponent(token)}/`;
}

/** Reads it; `gone` when the link is over or there is no such video, `away` when the hub does not answer. Throws nothing. */
export async function loadShared(token: string, signal: AbortSignal): Promise<Loaded> {
  const base = folderOf(token);
  try {
    const answer = await fetch(`${base}video.json`, { signal, credentials: 'same-origin', headers: { accept: 'application/json' } });
    if (!answer.ok) return answer.status >= 500 || answer.status === 429 ? { kind: 'away' } : { kind: 'gone' };
    const video = (await answer.json()) as SharedVideo;
    return { kind: 'ready', video, files: `${base}r${video.revision}/` };
  } catch {
    return { kind: 'away' };
  }
}

/** What a page without login may know of a video: by a signed link, or by the id of a public one. */

export interface SharedVideo {
  video_id: string;
  title: string;
  description: string;
  state: string;
  duration_s: number | null;
  master: string | null;
  thumbnail: string | null;
  storyboard: { vtt: string } | null;
  renditions: readonly { name: string; width: number | null; height: number | null }[];
  /** Address of the folder of its files. */
  base: string;
}

export type Loaded = { kind: 'ready'; video: SharedVideo } | { kind: 'gone' } | { kind: 'away' };

/** A token of a link has two parts; the id of a video has no dot. */
function folderOf(token: string): string {
  return token.includes('.') ? `/v/${encodeURIComponent(token)}/` : `/files/videos/${encodeURIComponent(token)}/`;
}

/** Reads it; `gone` when the link is over or there is no such video, `away` when the hub does not answer. Throws nothing. */
export async function loadShared(token: string, signal: AbortSignal): Promise<Loaded> {
  const base = folderOf(token);
  try {
    const answer = await fetch(`${base}video.json`, { signal, credentials: 'same-origin', headers: { accept: 'application/json' } });
    if (answer.ok) return { kind: 'ready', video: { ...((await answer.json()) as Omit<SharedVideo, 'base'>), base } };
    return answer.status >= 500 || answer.status === 429 ? { kind: 'away' } : { kind: 'gone' };
  } catch {
    return { kind: 'away' };
  }
}

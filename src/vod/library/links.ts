/** Signed links: whoever has one watches one video, until it expires or is revoked. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type SharedVideo, type VideoLink, WeirError } from '../../contracts/index.js';
import type { LinkRecord, VideoRecord } from '../../store/index.js';
import type { LibraryOptions } from './needs.js';

/** A link that was good a moment ago is good: a player asks for a segment every few seconds, and many look at once. */
const rememberMs = 2000;
const maxRemembered = 10_000;

export class Links {
  readonly #options: Pick<LibraryOptions, 'store' | 'linkSecret' | 'publicUrl' | 'settings'>;
  readonly #good = new Map<string, { videoId: string; until: number }>();

  constructor(options: Pick<LibraryOptions, 'store' | 'linkSecret' | 'publicUrl' | 'settings'>) {
    this.#options = options;
  }

  async create(videoId: string, given: { name?: string | undefined; expires_in_s?: number | null | undefined }, by: string): Promise<VideoLink> {
    const expiresS = given.expires_in_s === undefined ? this.#options.settings.link_expires_s : given.expires_in_s;
    const record: LinkRecord = {
      link_id: randomBytes(12).toString('hex'),
      video_id: videoId,
      name: given.name ?? '',
      created_at: new Date().toISOString(),
      created_by: by,
      expires_at: expiresS === null ? null : new Date(Date.now() + expiresS * 1000).toISOString(),
    };
    await this.#options.store.videos.addLink(record);
    return this.show(record);
  }

  /** Those that are still good, newest first. */
  async list(videoId: string): Promise<VideoLink[]> {
    const records = await this.#options.store.videos.links(videoId);
    return records.filter((record) => !isOver(record)).map((record) => this.show(record));
  }

  /** Throws `not_found`. It stops working at once. */
  async revoke(videoId: string, linkId: string): Promise<void> {
    const wasThere = await this.#options.store.videos.deleteLink(videoId, linkId);
    this.#good.clear();
    if (!wasThere) throw new WeirError('not_found', `There is no link ${linkId}`, { facts: { resource: 'link', id: linkId } });
  }

  /** The video that a token opens. Throws `not_found` for what is no token of ours, `permission_denied` for one that is over or revoked. */
  async open(token: string): Promise<string> {
    const known = this.#good.get(token);
    if (known !== undefined && known.until > Date.now()) return known.videoId;
    const [linkId = '', signature = ''] = token.split('.');
    const record = this.#isSigned(linkId, signature) ? await this.#options.store.videos.getLink(linkId) : undefined;
    if (record === undefined || isOver(record)) {
      throw new WeirError('permission_denied', 'This link is not valid any more', { hint: 'Ask whoever gave it to you for a new one' });
    }
    if (this.#good.size >= maxRemembered) this.#good.clear();
    this.#good.set(token, { videoId: record.video_id, until: Math.min(Date.now() + rememberMs, Date.parse(record.expires_at ?? '9999-12-31')) });
    return record.video_id;
  }

  show(record: LinkRecord): VideoLink {
    const base = (this.#options.publicUrl ?? '').replace(/\/$/, '');
    const token = `${record.link_id}.${this.#sign(record.link_id)}`;
    return {
      ...record,
      watch_url: `${base}/watch/${token}`,
      embed_url: `${base}/embed/${token}`,
      playback_url: `${base}/v/${token}/master.m3u8`,
    };
  }

  #sign(linkId: string): string {
    return createHmac('sha256', this.#options.linkSecret).update(`video link ${linkId}`).digest('base64url').slice(0, 32);
  }

  #isSigned(linkId: string, signature: string): boolean {
    const wanted = Buffer.from(this.#sign(linkId));
    const given = Buffer.from(signature);
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  }
}

function isOver(record: LinkRecord): boolean {
  return record.expires_at !== null && Date.parse(record.expires_at) <= Date.now();
}

/** What a page needs to show a video, without anything about its owner. */
export function sharedFacts(video: VideoRecord): SharedVideo {
  const { output } = video;
  return {
    video_id: video.video_id,
    title: video.title,
    description: video.description,
    state: video.state,
    duration_s: output?.duration_s ?? video.facts?.duration_s ?? null,
    revision: output?.revision ?? null,
    master: output?.master ?? null,
    dash: output?.dash ?? null,
    thumbnail: output?.thumbnail ?? null,
    storyboard: output?.storyboard ?? null,
    renditions: (output?.renditions ?? []).map(({ name, width, height }) => ({ name, width, height })),
    subtitles: (output?.subtitles ?? []).map(({ name, language }) => ({ name, language })),
  };
}

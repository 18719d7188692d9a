/** Links by which videos are watched without an account. */
import type { Kysely } from 'kysely';
import type { Database } from './database.js';
import { namesTaken } from './sql-failure.js';
import type { VideoRepository } from './videos-repository.js';

export function linkParts(db: Kysely<Database>) {
  return {
    async addLink(link) {
      await db
        .insertInto('video_links')
        .values(link)
        .execute()
        .catch(namesTaken('link_id', link.link_id, 'link'));
    },
    getLink: (linkId) => db.selectFrom('video_links').selectAll().where('link_id', '=', linkId).executeTakeFirst(),
    links: (videoId) =>
      db.selectFrom('video_links').selectAll().where('video_id', '=', videoId).orderBy('created_at', 'desc').orderBy('link_id').execute(),
    async deleteLink(videoId, linkId) {
      const result = await db.deleteFrom('video_links').where('link_id', '=', linkId).where('video_id', '=', videoId).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  } satisfies Partial<VideoRepository>;
}

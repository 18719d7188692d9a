/** Operations on files: list, protect, delete, download, play. */
import { mayView } from '../../access/index.js';
import { type Session, WeirError } from '../../contracts/index.js';
import type { SegmentRecord } from '../../store/index.js';
import type { RecordingsNouns } from './nouns.js';
import type { RecordingsOperations } from './operations.js';
import { playbackPart, playlistOf } from './playback.js';
import { showSegment } from './recording-view.js';
import { listedStreams, needOperate, needView } from './rights.js';

type SegmentOperations = Pick<
  RecordingsOperations,
  | 'list_segments'
  | 'get_segment'
  | 'update_segment'
  | 'delete_segment'
  | 'delete_segments'
  | 'playback'
  | 'playback_part'
  | 'thumbnail'
  | 'recording_file'
>;

export function createSegmentOperations(nouns: RecordingsNouns): SegmentOperations {
  const { parts, files, playback, thumbnails } = nouns;
  const viewed = (session: Session, name: string) => files.need(name, (streamId) => mayView(session, streamId));
  const operated = async (session: Session, name: string) => {
    const segment = await viewed(session, name);
    needOperate(session, segment.stream_id);
    return segment;
  };
  return {
    async list_segments(session, { query }) {
      const { limit, offset, recording_id } = query;
      const { items, total } = await parts.store.recordings.segments({
        limit,
        offset,
        streams: listedStreams(session, query.stream_id),
        recording_id,
        from_ms: query.from === undefined ? undefined : Date.parse(query.from),
        to_ms: query.to === undefined ? undefined : Date.parse(query.to),
        protected: query.protected === undefined ? undefined : query.protected === 'true',
      });
      return { items: items.map(showSegment), total, limit, offset };
    },
    get_segment: async (session, { params }) => showSegment(await viewed(session, params.filename)),
    async update_segment(session, { params, body }) {
      const segment = await operated(session, params.filename);
      const changed = await parts.store.recordings.protect(segment.filename, body.protected);
      return showSegment(changed ?? segment);
    },
    async delete_segment(session, { params }) {
      const segment = await operated(session, params.filename);
      await removeByHand(nouns, segment, session);
      return { filename: segment.filename, deleted: true, message: 'deleted' };
    },
    async delete_segments(session, { body }, { signal }) {
      const results = [];
      let freed = 0;
      for (const filename of new Set(body.filenames)) {
        signal.throwIfAborted();
        try {
          const segment = await operated(session, filename);
          await removeByHand(nouns, segment, session);
          freed += segment.size_bytes;
          results.push({ filename, deleted: true, message: 'deleted' });
        } catch (error) {
          results.push({ filename, deleted: false, message: WeirError.from(error).message });
        }
      }
      return { results, space_freed: freed };
    },
    async playback(session, { params, query }, { signal }) {
      needView(session, params.stream_id);
      return playlistOf(playback, params.stream_id, Date.parse(query.from), Date.parse(query.to), signal);
    },
    async playback_part(session, { params }) {
      needView(session, params.stream_id);
      return playbackPart(playback, params.stream_id, params.filename, params.part);
    },
    async thumbnail(session, { params, query }, { signal }) {
      needView(session, params.stream_id);
      return thumbnails.at(params.stream_id, Date.parse(query.at), query.width, signal);
    },
    recording_file: async (session, { params }) => files.stored(await viewed(session, params.filename)),
  };
}

/** Throws `failed_precondition` for a protected file. */
async function removeByHand({ files }: RecordingsNouns, segment: SegmentRecord, session: Session): Promise<void> {
  if (segment.protected)
    throw new WeirError('failed_precondition', `${segment.filename} is protected`, {
      facts: { state: 'protected', allowed_states: ['unprotected'] },
      hint: 'Take the protection off first',
    });
  await files.remove(segment, { cause: 'deleted', detail: `deleted by ${session.username}` });
}

/** Operations on snapshots and exports. */
import { mayView } from '../../access/index.js';
import type { Session } from '../../contracts/index.js';
import { showExport } from './exports.js';
import { needStream, type RecordingsNouns } from './nouns.js';
import type { RecordingsOperations } from './operations.js';
import { listedStreams, needOperate } from './rights.js';
import { showSnapshot } from './snapshots.js';

type PictureOperations = Pick<
  RecordingsOperations,
  | 'take_snapshot'
  | 'list_snapshots'
  | 'get_snapshot'
  | 'delete_snapshot'
  | 'snapshot_file'
  | 'create_export'
  | 'list_exports'
  | 'get_export'
  | 'delete_export'
  | 'export_file'
>;

export function createPictureOperations(nouns: RecordingsNouns): PictureOperations {
  const { parts, snapshots, exports } = nouns;
  const seenBy = (session: Session) => (streamId: string) => mayView(session, streamId);
  const viewed = (session: Session, name: string) => snapshots.get(name, seenBy(session));
  return {
    async take_snapshot(session, { params, body }, { signal }) {
      needOperate(session, params.stream_id);
      needStream(nouns, params.stream_id);
      return snapshots.take(params.stream_id, body ?? {}, session.username, signal);
    },
    async list_snapshots(session, { query }) {
      const { limit, offset } = query;
      const { items, total } = await parts.store.snapshots.list({ limit, offset, streams: listedStreams(session, query.stream_id) });
      return { items: items.map(showSnapshot), total, limit, offset };
    },
    get_snapshot: async (session, { params }) => showSnapshot(await viewed(session, params.filename)),
    async delete_snapshot(session, { params }) {
      const record = await viewed(session, params.filename);
      needOperate(session, record.stream_id);
      await snapshots.remove(record);
      return { filename: record.filename, deleted: true, message: 'deleted' };
    },
    snapshot_file: async (session, { params }) => snapshots.stored(await viewed(session, params.filename)),

    async create_export(session, { body }) {
      needOperate(session, body.stream_id);
      return exports.create(body, session.username);
    },
    async list_exports(session, { query }) {
      const page = await parts.store.exports.list({ ...query, streams: session.streams });
      return { items: page.items.map(showExport), next_cursor: page.next_cursor };
    },
    async get_export(session, { params }) {
      return showExport(await exports.need(params.export_id, seenBy(session)));
    },
    async delete_export(session, { params }) {
      const record = await exports.need(params.export_id, seenBy(session));
      needOperate(session, record.stream_id);
      await exports.remove(record);
    },
    async export_file(session, { params }) {
      return exports.stored(await exports.byFilename(params.filename, seenBy(session)));
    },
  };
}

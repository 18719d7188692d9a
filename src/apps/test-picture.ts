/** The stream that a first start shows, so that a machine without a camera has a picture. */
import type { Config, Session } from '../contracts/index.js';
import type { Store } from '../store/index.js';
import type { StreamsHub } from '../streams/hub/index.js';

const mark = 'test_picture_offered';
const system: Session = { user_id: null, username: 'system', role: 'admin', streams: null, expires_at: null };

/** Defines it once in the life of a database; with `auto` only where no stream is defined. */
export async function defineTestPicture(
  wish: Config['streams']['test_picture'],
  store: Store,
  streams: Pick<StreamsHub, 'operations'>,
  signal: AbortSignal,
): Promise<void> {
  if (wish === false || (await store.settings.get(mark)) === true) return;
  await store.settings.set(mark, true);
  if (wish === 'auto' && (await store.streams.count()) > 0) return;
  const body = { stream_id: 'test', name: 'Test picture', config: { device: 'test:', resolution: '1280x720', framerate: 30 } };
  await streams.operations.create_stream(system, { params: undefined, query: undefined, body }, { signal });
}

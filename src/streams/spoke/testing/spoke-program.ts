/** A spoke in a process of its own, to be killed. Its settings come as JSON in `WEIR_TEST_SPOKE`. Tests only. */

import { connect } from '@nats-io/transport-node';
import { createBus } from '../../../bus/index.js';
import { startSpoke } from '../index.js';
import { plainFacts } from './testbed.js';

export interface SpokeProgramSettings {
  readonly url: string;
  readonly streamId: string;
  readonly pidFolder: string;
}

const { url, streamId, pidFolder } = JSON.parse(process.env.WEIR_TEST_SPOKE ?? '{}') as SpokeProgramSettings;
const bus = createBus(await connect({ servers: url, user: 'hub', pass: 'hub' }));
await startSpoke({
  bus,
  spokeId: 'doomed',
  version: '0.0.0',
  facts: plainFacts(),
  policy: { mediaFolders: [] },
  fixedStreams: [{ streamId, config: { device: 'test:' } }],
  pidFolder,
});

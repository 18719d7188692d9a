/** Promise: all methods of JSON-RPC, through a real socket, on real streams. */
import { describeRpc } from '../http/rpc/rpc.suite.js';
import { waitFor } from '../testkit/index.js';
import { startWeir } from './weir.js';

describeRpc('the whole', async () => {
  const weir = await startWeir({
    env: {
      WEIR_STREAMS_TEST_PICTURE: 'false',
      WEIR_EXTERNAL_DISCOVERY_ENABLED: 'true',
      WEIR_STORAGE_MIN_FREE_BYTES: '0',
      WEIR_VOD_MIN_FREE_BYTES: '0',
      WEIR_STORAGE_BLOCK_PERCENT: '100',
    },
  });
  const tokenOf = async (role: string) => (await weir.api<{ secret: string }>('POST', '/api/v1/tokens', { name: role, role })).secret;
  const tokens = { viewer: await tokenOf('viewer'), operator: await tokenOf('operator'), admin: await tokenOf('admin') };
  const { camera_id } = await weir.api<{ camera_id: string }>('POST', '/api/v1/cameras', {
    name: 'Yard',
    source: 'test:',
    resolution: '320x180',
    framerate: 15,
  });
  await waitFor(async () => (await weir.api<{ status: string }>('GET', `/api/v1/cameras/${camera_id}`)).status === 'CONNECTED', {
    what: 'the camera',
  });
  return { url: `${weir.url.replace('http', 'ws')}/ws`, tokens, camera: camera_id, stop: () => weir[Symbol.asyncDispose]() };
});

import { describeRpc } from './rpc.suite.js';
import { startRpcFixture } from './testing/fixture.js';

describeRpc('fake operations', async () => {
  const { url, stop } = await startRpcFixture();
  return { url, tokens: { viewer: 'viewer', operator: 'operator', admin: 'admin' }, camera: 'camera0', stop };
});

/** How long it takes until a path is made and seen: the whole way through the gateway, its question to the hub included. */
import { join } from 'node:path';
import { openFixture } from '../gateways/testing/fixture.js';
import { findOptionalProgram } from '../supervisor/index.js';
import { makeFakeMediaMtx } from '../testkit/fake-mediamtx.js';
import { withTempFolder } from '../testkit/index.js';
import { atMost, percentile, printFigures, told } from './figures.js';

const paths = 200;

await withTempFolder(async (folder) => {
  const real = findOptionalProgram('mediamtx');
  const binary = real ?? (await makeFakeMediaMtx(join(folder, 'bin'))).path;
  await using world = await openFixture({ kind: 'mediamtx', binary, health_interval_s: 60 });
  await world.untilRunning();
  const times: number[] = [];
  for (let at = 0; at < paths; at++) {
    const begin = performance.now();
    await world.gateway.ensurePath({ streamId: `camera${at}`, source: { kind: 'v4l2', devicePath: `/dev/video${at}` } });
    times.push(performance.now() - begin);
  }
  const whose = real === undefined ? 'a stand-in for MediaMTX' : `MediaMTX ${world.gateway.state().version}`;
  printFigures([
    atMost(`path made and seen on ${whose}, p95 of ${paths}`, percentile(times, 0.95), 50, 'ms', 1),
    told('  median', percentile(times, 0.5), 'ms', 1),
    told('  slowest', percentile(times, 1), 'ms', 1),
  ]);
});

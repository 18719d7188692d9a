/** A fake MediaMTX that somebody else runs: no login, ports of its own. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { makeFakeMediaMtx } from '../../testkit/fake-mediamtx.js';
import { waitFor } from '../../testkit/index.js';

export interface BareFake {
  readonly apiUrl: string;
  readonly rtspPort: number;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startBareFake(folder: string, version: string): Promise<BareFake> {
  const { path } = await makeFakeMediaMtx(folder, version);
  const [api, rtsp] = [await freePort(), await freePort()];
  const config = join(folder, 'bare.yml');
  await writeFile(config, `api: true\napiAddress: 127.0.0.1:${api}\nrtspAddress: 127.0.0.1:${rtsp}\n`);
  const child = spawn(path, [config], { stdio: 'ignore' });
  const apiUrl = `http://127.0.0.1:${api}`;
  await waitFor(async () => (await fetch(`${apiUrl}/_fake`)).ok);
  return {
    apiUrl,
    rtspPort: rtsp,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('close', resolve));
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

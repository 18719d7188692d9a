/**
 * Lists the cameras, takes a picture of the first and downloads it, records it for some seconds and tells what happens meanwhile.
 *   weir token create desk --role operator      # prints the token
 *   WEIR_TOKEN=… node examples/rpc-client/cameras.mjs [ws://127.0.0.1:8080/ws] [seconds]
 */
import { WebSocket } from 'ws';
import { RpcClient } from './rpc-client.mjs';

const [url = 'ws://127.0.0.1:8080/ws', seconds = '5'] = process.argv.slice(2);
const token = process.env.WEIR_TOKEN ?? '';

const client = new RpcClient({ url, token, WebSocket });
const { role } = await client.connect();
console.log(`signed in as ${role}`);

const { cameras } = await client.call('get_camera_list');
for (const { device, name, status, resolution, fps } of cameras) console.log(`${device}  ${name}  ${status}  ${resolution} ${fps} fps`);
const device = cameras.find(({ status }) => status === 'CONNECTED')?.device;

if (device === undefined) {
  console.log('no camera is connected');
} else {
  const { filename, file_path } = await client.call('take_snapshot', { device });
  const picture = await fetch(new URL(file_path, url.replace(/^ws/, 'http')), { headers: { authorization: `Bearer ${token}` } });
  console.log(`snapshot ${filename}: ${(await picture.arrayBuffer()).byteLength} bytes of ${picture.headers.get('content-type')}`);

  await client.subscribe(['recording.progress'], { device });
  client.on('recording.progress', ({ duration }) => console.log(`recorded ${duration} s`));
  const started = await client.call('start_recording', { device, format: 'mp4' });
  console.log(`recording ${started.status}`);
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  const stopped = await client.call('stop_recording', { device });
  console.log(`recording ${stopped.filename}: ${stopped.file_size} bytes, ${stopped.duration} s`);
}
client.close();

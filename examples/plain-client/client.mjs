/**
 * A plain NATS client that knows nothing of Weir but its subjects: starts a stream, watches it for a while, stops it.
 *   weir bus user add operator1 --role operator          # prints the password
 *   NATS_URL=nats://127.0.0.1:4222 NATS_USER=operator1 NATS_PASSWORD=… node examples/plain-client/client.mjs cam1 test:
 */
import { connect } from '@nats-io/transport-node';

const [streamId = 'cam1', device = 'test:', seconds = '5'] = process.argv.slice(2);
const { NATS_URL = 'nats://127.0.0.1:4222', NATS_USER, NATS_PASSWORD } = process.env;

const nc = await connect({ servers: NATS_URL, user: NATS_USER, pass: NATS_PASSWORD, maxReconnectAttempts: -1 });
const subject = (aspect) => `videonode.stream.${streamId}.${aspect}`;
const command = (action, config) => JSON.stringify({ action, stream_id: streamId, config, timestamp: new Date().toISOString() });

nc.subscribe(subject('status'), { callback: (_error, message) => console.log('status', message.json().state) });
nc.subscribe(subject('progress'), {
  callback: (_error, message) => {
    const { frame, fps, bitrate_kbps } = message.json();
    console.log(`progress frame ${frame}, ${fps} fps, ${bitrate_kbps} kbit/s`);
  },
});

const started = await nc.request(subject('command'), command('start', { device, resolution: '640x360', framerate: 25, codec: 'h264' }), {
  timeout: 10_000,
});
console.log('start', started.json().ok);

await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
console.log('status.get', (await nc.request(subject('status.get'), undefined, { timeout: 2000 })).json().state);

nc.publish(subject('command'), command('stop'));
await new Promise((resolve) => setTimeout(resolve, 1000));
console.log('status.get', (await nc.request(subject('status.get'), undefined, { timeout: 2000 })).json().state);
await nc.drain();

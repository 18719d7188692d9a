/**
 * A spoke written from the wire contract alone: takes commands, publishes status and progress, answers `status.get`.
 * It shows in the UI like any other stream; it just has no picture on the bus.
 *   weir bus user add rooftop --spoke-of rooftop         # prints the password
 *   STREAM_ID=rooftop NATS_URL=nats://127.0.0.1:4222 NATS_USER=rooftop NATS_PASSWORD=… node examples/plain-spoke/spoke.mjs
 */
import { connect } from '@nats-io/transport-node';

const { STREAM_ID = 'rooftop', NATS_URL = 'nats://127.0.0.1:4222', NATS_USER, NATS_PASSWORD } = process.env;
const nc = await connect({
  servers: NATS_URL,
  user: NATS_USER,
  pass: NATS_PASSWORD,
  name: `ffmpeg-${STREAM_ID}`,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 1000,
});
const subject = (aspect) => `videonode.stream.${STREAM_ID}.${aspect}`;

let state = 'running';
let startedAt = new Date();
let frame = 0;

const status = () => ({
  stream_id: STREAM_ID,
  state,
  pid: process.pid,
  started_at: state === 'running' ? startedAt.toISOString() : null,
  timestamp: new Date().toISOString(),
});
const publish = (aspect, message) => nc.publish(subject(aspect), JSON.stringify(message));

nc.subscribe(subject('status.get'), { callback: (_error, message) => message.respond(JSON.stringify(status())) });
nc.subscribe(subject('command'), {
  callback: (_error, message) => {
    const { action } = message.json();
    if (action === 'start') {
      state = 'running';
      startedAt = new Date();
      frame = 0;
    } else if (action === 'stop') state = 'stopped';
    publish('status', status());
    if (message.reply) message.respond(JSON.stringify({ ok: true, action, stream_id: STREAM_ID, state, timestamp: new Date().toISOString() }));
  },
});

publish('status', status());
setInterval(() => publish('status', status()), 10_000);
setInterval(() => {
  if (state !== 'running') return;
  frame += 25;
  publish('progress', {
    stream_id: STREAM_ID,
    frame,
    fps: 25,
    bitrate_kbps: 1800.5,
    total_size_bytes: frame * 9000,
    dropped_frames: 0,
    speed: 1,
    timestamp: new Date().toISOString(),
  });
}, 1000);

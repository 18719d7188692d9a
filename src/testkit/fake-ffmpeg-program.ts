/** The fake FFmpeg itself: `fake-ffmpeg-program.js SAMPLE SCENARIO [FFmpeg's arguments]`. Replays the sample in an endless loop. */
import { readFileSync, writeSync } from 'node:fs';
import type { FakeScenario } from './fake-ffmpeg.js';

const [, , sampleFile = '', scenarioFile = '', ...args] = process.argv;
const asked = JSON.parse(readFileSync(scenarioFile, 'utf8')) as FakeScenario;
const scenario: FakeScenario = asked.match === undefined || args.some((arg) => arg.includes(asked.match ?? '')) ? asked : {};
const frameRate = scenario.frameRate ?? 30;
const { init, fragments, durations } = readSample(readFileSync(sampleFile));

let frame = 0;
let sizeBytes = 0;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // FFmpeg ends its file and leaves with 255 when it was interrupted.
    if (scenario.ignoreSignals?.includes(signal) !== true) process.exit(255);
  });
}
process.stdout.on('error', () => process.exit(1));
if (scenario.stderr !== undefined) process.stderr.write(scenario.stderr);
if (scenario.floodLinesPerSecond !== undefined) setInterval(flood, 20);
// Keeps a frozen one alive.
setInterval(() => undefined, 1000);
setTimeout(begin, scenario.startDelayMs ?? 0);

function begin(): void {
  if (scenario.fragments === 0) {
    finish();
    return;
  }
  put(init);
  if (scenario.noProgress !== true) setInterval(report, 200);
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * frameRate) / 1000) + 1;
    while (frame < due) {
      if (scenario.fragments !== undefined && frame >= scenario.fragments) {
        clearInterval(timer);
        finish();
        return;
      }
      put(fragmentAt(frame));
      frame += 1;
    }
  }, 1000 / frameRate);
}

function finish(): void {
  switch (scenario.end ?? 'exit') {
    case 'exit':
      process.exit(scenario.exitCode ?? 1);
      break;
    case 'crash':
      process.kill(process.pid, 'SIGSEGV');
      break;
    case 'garbage':
      put(Buffer.alloc(4096, 'this is not a picture '));
      break;
    case 'freeze':
  }
}

function put(bytes: Uint8Array): void {
  sizeBytes += bytes.length;
  process.stdout.write(bytes);
}

function flood(): void {
  const lines = Math.ceil((scenario.floodLinesPerSecond ?? 0) / 50);
  process.stderr.write(`${'x'.repeat(199)}\n`.repeat(lines));
}

function report(): void {
  const outTimeUs = Math.round((frame * 1_000_000) / frameRate);
  const lines = {
    frame,
    fps: frameRate,
    bitrate: '500.0kbits/s',
    total_size: sizeBytes,
    out_time_us: outTimeUs,
    dup_frames: 0,
    drop_frames: 0,
    speed: '1.0x',
    progress: 'continue',
  };
  try {
    writeSync(
      3,
      Object.entries(lines)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
  } catch {
    // Nobody asked for reports.
  }
}

/** The fragment for this frame, with its decode time moved to where the loop stands. */
function fragmentAt(index: number): Uint8Array {
  const round = Math.floor(index / fragments.length);
  const bytes = Buffer.from(fragments[index % fragments.length] ?? Buffer.alloc(0));
  const at = bytes.indexOf('tfdt');
  if (bytes[at + 4] === 1) bytes.writeBigUInt64BE(bytes.readBigUInt64BE(at + 8) + BigInt(round * durations), at + 8);
  else bytes.writeUInt32BE(bytes.readUInt32BE(at + 8) + round * durations, at + 8);
  return bytes;
}

function readSample(bytes: Buffer): { init: Buffer; fragments: Buffer[]; durations: number } {
  const parts: Buffer[] = [];
  let header: Buffer = Buffer.alloc(0);
  for (let at = 0, moof = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'moov') header = bytes.subarray(0, at + size);
    if (type === 'moof') moof = at;
    if (type === 'mdat') parts.push(bytes.subarray(moof, at + size));
    at += size;
  }
  const timeOf = (part: Buffer | undefined) => {
    if (part === undefined) return 0;
    const at = part.indexOf('tfdt');
    return part[at + 4] === 1 ? Number(part.readBigUInt64BE(at + 8)) : part.readUInt32BE(at + 8);
  };
  const step = timeOf(parts[1]) - timeOf(parts[0]);
  return { init: header, fragments: parts, durations: step * parts.length };
}

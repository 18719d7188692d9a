import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createProgressParser, type ProgressReport } from './progress.js';

/** As FFmpeg 5.1 writes it: before the first packet, while running, and at the end. */
const real = `frame=0
fps=0.00
stream_0_0_q=0.0
bitrate=N/A
total_size=1268
out_time_us=-9223372036854775808
out_time_ms=-9223372036854775808
out_time=-577014:32:22.77
dup_frames=0
drop_frames=0
speed=N/A
progress=continue
frame=72
fps=29.97
stream_0_0_q=28.0
bitrate=2937.7kbits/s
total_size=869090
out_time_us=2366732
out_time_ms=2366732
out_time=00:00:02.366732
dup_frames=3
drop_frames=2
speed=0.99x
progress=continue
frame=75
fps=30.00
bitrate=N/A
total_size=N/A
out_time_us=N/A
dup_frames=3
drop_frames=2
speed=   1x
progress=end
`;

function parse(chunks: Iterable<Uint8Array | string>): ProgressReport[] {
  const reports: ProgressReport[] = [];
  const parser = createProgressParser((report) => reports.push(report));
  for (const chunk of chunks) parser.push(chunk);
  return reports;
}

describe('createProgressParser', () => {
  test('reads blocks and takes N/A for absent', () => {
    const [first, second, last] = parse([real]);
    const nothing = { frame: 0, fps: 0, bitrateKbps: 0, droppedFrames: 0, duplicatedFrames: 0, speed: 0, isEnd: false };
    assert.deepEqual(first, { ...nothing, totalSizeBytes: 1268, outTimeUs: undefined });
    assert.deepEqual(second, {
      frame: 72,
      fps: 29.97,
      bitrateKbps: 2937.7,
      totalSizeBytes: 869_090,
      outTimeUs: 2_366_732,
      droppedFrames: 2,
      duplicatedFrames: 3,
      speed: 0.99,
      isEnd: false,
    });
    assert.equal(last?.isEnd, true);
    assert.equal(last?.speed, 1);
    assert.equal(last?.outTimeUs, undefined);
  });

  test('chunk borders change nothing', () => {
    const bytes = new TextEncoder().encode(real);
    const whole = parse([real]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
        const borders = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
        assert.deepEqual(parse(chunks), whole);
      }),
    );
  });

  test('text without line ends is dropped, counted, and does not stop later reports', () => {
    const reports: ProgressReport[] = [];
    const parser = createProgressParser((report) => reports.push(report));
    for (let part = 0; part < 100; part += 1) parser.push('x'.repeat(1000));
    assert.ok(parser.discardedBytes >= 95_000);
    parser.push(`\n${real}`);
    assert.equal(reports.length, 3);
  });

  test('any text is survived', () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: 'binary' })), (chunks) => void parse(chunks)));
  });
});

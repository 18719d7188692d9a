import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runTool } from '../../testkit/ffmpeg-capture.js';
import { readTrackFacts } from './codecs.js';

const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10'];
const sound = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];

/** An init segment made by FFmpeg with the given inputs and codecs. */
async function makeInit(args: readonly string[]): Promise<Uint8Array> {
  const flags = ['-t', '0.2', '-f', 'mp4', '-movflags', 'empty_moov+default_base_moof+delay_moov', 'pipe:1'];
  const bytes = await runTool('ffmpeg', ['-nostdin', '-loglevel', 'error', ...args, ...flags]);
  const moof = bytes.indexOf('moof', 0, 'latin1');
  return bytes.subarray(0, moof - 4);
}

describe('readTrackFacts', () => {
  const rows: { name: string; args: string[]; mimeType: string | RegExp; video?: object; audio?: object }[] = [
    {
      name: 'H.264 High',
      args: [...picture, '-c:v', 'libx264', '-profile:v', 'high', '-level', '3.1', '-pix_fmt', 'yuv420p'],
      mimeType: 'video/mp4; codecs="avc1.64001f"',
      video: { codec: 'h264', width: 320, height: 180, profile: 'High' },
    },
    {
      name: 'H.264 Constrained Baseline and AAC stereo at 48 kHz',
      args: [
        ...picture,
        ...sound,
        '-c:v',
        'libx264',
        '-profile:v',
        'baseline',
        '-level',
        '3',
        '-pix_fmt',
        'yuv420p',
        '-c:a',
        'aac',
        '-ar',
        '48000',
        '-ac',
        '2',
      ],
      mimeType: 'video/mp4; codecs="avc1.42c01e,mp4a.40.2"',
      video: { codec: 'h264', profile: 'Constrained Baseline' },
      audio: { codec: 'aac', sampleRate: 48_000, channels: 2 },
    },
    {
      name: 'sound alone, AAC mono at 44.1 kHz',
      args: [...sound, '-c:a', 'aac'],
      mimeType: 'audio/mp4; codecs="mp4a.40.2"',
      audio: { codec: 'aac', sampleRate: 44_100, channels: 1 },
    },
    {
      name: 'Opus',
      args: [...sound, '-c:a', 'libopus', '-strict', '-2'],
      mimeType: 'audio/mp4; codecs="opus"',
      audio: { codec: 'opus', sampleRate: 48_000, channels: 1 },
    },
    { name: 'MP3', args: [...sound, '-c:a', 'libmp3lame'], mimeType: 'audio/mp4; codecs="mp4a.6b"', audio: { codec: 'mp3', sampleRate: 44_100 } },
    {
      name: 'HEVC Main',
      args: [...picture, '-c:v', 'libx265', '-x265-params', 'log-level=error', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-tag:v', 'hvc1'],
      mimeType: /^video\/mp4; codecs="hvc1\.1\.6\.L\d+\.[0-9a-f]+"$/,
      video: { codec: 'hevc', width: 320, height: 180, profile: 'Main' },
    },
    {
      name: 'VP9',
      args: [...picture, '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-pix_fmt', 'yuv420p'],
      mimeType: /codecs="vp09\.00\.\d\d\.08"/,
      video: { codec: 'vp9' },
    },
  ];
  for (const row of rows) {
    test(row.name, async () => {
      const facts = readTrackFacts(await makeInit(row.args));
      if (typeof row.mimeType === 'string') assert.equal(facts.mimeType, row.mimeType);
      else assert.match(facts.mimeType, row.mimeType);
      if (row.video === undefined) assert.equal(facts.video, undefined);
      else assert.deepEqual({ ...facts.video, ...row.video }, facts.video);
      if (row.audio === undefined) assert.equal(facts.audio, undefined);
      else assert.deepEqual({ ...facts.audio, ...row.audio }, facts.audio);
      assert.ok((facts.video ?? facts.audio)?.timescale);
    });
  }
});

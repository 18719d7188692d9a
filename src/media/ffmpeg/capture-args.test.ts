import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WeirError } from '../../contracts/errors.js';
import type { SourceProbe, StreamConfig } from '../../contracts/stream.js';
import { captureArgs } from './capture-args.js';
import { hardwareEncoders, type MachineFacts } from './facts.js';
import { testPictureGraph } from './picture-graph.js';
import { planCapture } from './plan.js';
import { slateArgs } from './slate-args.js';
import { snapshotArgs, testEncodeArgs } from './snapshot-args.js';
import { parseSource } from './source.js';

const facts: MachineFacts = {
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffprobe',
  version: '5.1.9-0+deb12u1',
  fontFile: '/fonts/Sans.ttf',
  encoders: [{ encoder: 'libx264', works: true, reason: undefined, tookMs: 1 }],
  renderNode: '/dev/dri/renderD129',
};
const withHardware: MachineFacts = {
  ...facts,
  encoders: [...hardwareEncoders.map((encoder) => ({ encoder, works: true, reason: undefined, tookMs: 1 })), ...facts.encoders],
};

const head = '-hide_banner -nostdin -nostats -loglevel level+warning -progress pipe:3 -stats_period 0.1';
const headWithPush = head.replace('warning', 'info');
const noMetadata = '-map_metadata -1 -map_chapters -1';
const video = `-map 0:v:0 ${noMetadata}`;
const both = `-map 0:v:0 -map 0:a:0? ${noMetadata}`;
const aac = '-c:a aac -b:a 128k -ar 48000 -ac 2 -af aresample=async=1000';
const start = '-output_ts_offset 0.5 -avoid_negative_ts make_non_negative';
const movFlags = '+empty_moov+default_base_moof+frag_discont+skip_trailer';
const mux = `${start} -f mp4 -movflags ${movFlags} -frag_duration 1 -use_editlist 0 -max_interleave_delta 200000 -flush_packets 1 pipe:1`;
const teeHead = `${start} -flags:v +global_header -flags:a +global_header -f tee`;
const teeLocal = `[f=mp4:movflags=${movFlags}:frag_duration=1:use_editlist=0:flush_packets=1:max_interleave_delta=200000:avoid_negative_ts=make_non_negative]pipe:1`;
const fifo =
  'onfail=ignore:use_fifo=1:fifo_options=queue_size=300\\\\:drop_pkts_on_overflow=1\\\\:restart_with_keyframe=1\\\\:attempt_recovery=1\\\\:recover_any_error=1\\\\:recovery_wait_time=1';
const rtsp = '-protocol_whitelist rtp,udp,tcp,tls -rtsp_transport tcp -timeout 5000000 -fpsprobesize 0';
const files = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,avi,flv,asf,mxf,ogg,nut,h264,hevc,mjpeg,gif,wtv,dv';
const http = `-protocol_whitelist http,https,tcp,tls,crypto -format_whitelist ${files},hls,mpjpeg -rw_timeout 5000000 -reconnect 1 -reconnect_streamed 1 -reconnect_on_network_error 1 -reconnect_delay_max 2`;
const rate = (kbps: number) => `-b:v ${kbps}k -maxrate ${kbps}k -bufsize ${kbps}k`;
const x264 = (preset: string, gop: number, kbps: number, seconds = 1, threads = 1) =>
  `-fps_mode vfr -c:v libx264 -preset ${preset} -tune zerolatency -keyint_min ${gop} -sc_threshold 0 -forced-idr 1 -pix_fmt yuv420p -threads ${threads} -bf 0 -g ${gop} -force_key_frames expr:gte(t,n_forced*${seconds}) ${rate(kbps)}`;
const force = '-bf 0 -force_key_frames expr:gte(t,n_forced*1)';
const odd = 'crop=trunc(iw/2)*2:trunc(ih/2)*2';
const fit = 'scale=1280:720:force_original_aspect_ratio=decrease:force_divisible_by=2,pad=1280:720:(ow-iw)/2:(oh-ih)/2,setsar=1';

type Found = Partial<Pick<SourceProbe, 'container' | 'video' | 'audio' | 'plan' | 'why'>>;
const hd = { codec: 'h264', width: 1920, height: 1080, frame_rate: 25 };
const pal = { codec: 'mpeg2video', width: 720, height: 576, frame_rate: 25 };

interface Row {
  readonly name: string;
  readonly device: string;
  readonly config?: StreamConfig;
  readonly found?: Found;
  readonly facts?: MachineFacts;
  readonly args: string;
}

const rows: readonly Row[] = [
  { name: 'test picture', device: 'test:', args: `${head} -re -f lavfi -i GRAPH ${video} ${x264('ultrafast', 30, 2500)} -an ${mux}` },
  {
    name: 'test picture drawn in the size and rate asked for, odd size made even, with sound',
    device: 'test:?audio=1',
    config: { resolution: '641x361', framerate: 15, bitrate: 700, keyframe_interval_s: 2 },
    args: `${head} -re -f lavfi -i GRAPH ${both} ${x264('ultrafast', 30, 700, 2)} ${aac} ${mux}`,
  },
  {
    name: 'RTSP camera with H.264 and AAC is copied',
    device: 'rtsp://cam/1',
    found: { container: 'rtsp', video: hd, audio: { codec: 'aac' }, plan: 'copy' },
    args: `${head} ${rtsp} -i rtsp://cam/1 ${both} -c:v copy -c:a copy ${mux}`,
  },
  {
    name: 'RTSP over UDP, G.711 sound is encoded beside the copied picture',
    device: 'rtsp://cam/1',
    config: { rtsp_transport: 'udp' },
    found: { container: 'rtsp', video: hd, audio: { codec: 'pcm_mulaw' }, plan: 'copy' },
    args: `${head} ${rtsp.replace('transport tcp', 'transport udp')} -i rtsp://cam/1 ${both} -c:v copy ${aac} ${mux}`,
  },
  {
    name: 'RTSP in FFmpeg 4.4 knows other names',
    device: 'rtsp://cam/1',
    config: { codec: 'h264', audio: 'none' },
    found: { container: 'rtsp', video: hd, audio: { codec: 'aac' }, plan: 'copy' },
    facts: { ...facts, version: '4.4.2-0ubuntu0.22.04.1' },
    args: `${head} ${rtsp.replace('-timeout', '-stimeout')} -thread_type slice -i rtsp://cam/1 ${video} ${x264('veryfast', 25, 5000).replace('-fps_mode', '-vsync')} -an ${mux}`,
  },
  {
    name: 'copyable camera scaled: encoded, with bars',
    device: 'rtsp://cam/1',
    config: { resolution: '1280x720' },
    found: { container: 'rtsp', video: hd, plan: 'copy' },
    args: `${head} ${rtsp} -thread_type slice -i rtsp://cam/1 ${video} -vf ${fit} ${x264('veryfast', 25, 2500)} -an ${mux}`,
  },
  {
    name: 'other frame rate, 60 per second in 1080p: three threads and half as many bits again',
    device: 'rtsp://cam/1',
    config: { framerate: 60 },
    found: { container: 'rtsp', video: hd, plan: 'copy' },
    args: `${head} ${rtsp} -thread_type slice -i rtsp://cam/1 ${video} -vf fps=60 ${x264('veryfast', 60, 7500, 1, 3)} -an ${mux}`,
  },
  {
    name: 'HEVC copied because it is wanted gets the tag that browsers need',
    device: 'rtsp://cam/1',
    config: { codec: 'copy' },
    found: { container: 'rtsp', video: { ...hd, codec: 'hevc' }, plan: 'encode' },
    args: `${head} ${rtsp} -i rtsp://cam/1 ${video} -c:v copy -tag:v hvc1 -an ${mux}`,
  },
  {
    name: 'not looked at: encoded, odd edges cut, keyframes by time alone',
    device: 'srt://h:9000?mode=caller',
    args: `${head} -protocol_whitelist srt -rw_timeout 5000000 -fpsprobesize 0 -scan_all_pmts 0 -thread_type slice -i srt://h:9000?mode=caller ${both} -vf ${odd} -fps_mode vfr -c:v libx264 -preset veryfast -tune zerolatency -sc_threshold 0 -forced-idr 1 -pix_fmt yuv420p -threads 1 ${force} ${rate(2500)} ${aac} ${mux}`,
  },
  {
    name: 'MPEG-TS over SRT: AAC without a header is encoded anew',
    device: 'srt://h:9000',
    found: { container: 'mpegts', video: hd, audio: { codec: 'aac' }, plan: 'copy' },
    args: `${head} -protocol_whitelist srt -rw_timeout 5000000 -fpsprobesize 0 -scan_all_pmts 0 -i srt://h:9000 ${both} -c:v copy ${aac} ${mux}`,
  },
  {
    name: 'RTMP',
    device: 'rtmp://h/app/key',
    found: { container: 'flv', video: hd, audio: { codec: 'aac' }, plan: 'copy' },
    args: `${head} -protocol_whitelist rtmp,rtmps,tcp,tls -rtmp_live live -rw_timeout 5000000 -fpsprobesize 0 -i rtmp://h/app/key ${both} -c:v copy -c:a copy ${mux}`,
  },
  {
    name: 'HLS comes in bursts, so it is paced',
    device: 'https://h/live.m3u8',
    found: { container: 'hls', video: hd, audio: { codec: 'aac' }, plan: 'copy' },
    args: `${head} -re ${http} -i https://h/live.m3u8 ${both} -c:v copy ${aac} ${mux}`,
  },
  {
    name: 'MJPEG over HTTP paces itself',
    device: 'http://h/video',
    found: { container: 'mpjpeg', video: { codec: 'mjpeg', width: 640, height: 480, frame_rate: 25 }, plan: 'encode' },
    args: `${head} ${http} -thread_type slice -i http://h/video ${video} ${x264('veryfast', 25, 1500)} -an ${mux}`,
  },
  {
    name: 'MPEG-TS over HTTP is live',
    device: 'http://h/x.ts',
    found: { container: 'mpegts', video: hd, plan: 'copy' },
    args: `${head} ${http} -scan_all_pmts 0 -i http://h/x.ts ${video} -c:v copy -an ${mux}`,
  },
  {
    name: 'file: looped in real time, kept from opening others',
    device: '/m/a:b.mp4',
    found: { container: 'mov,mp4,m4a,3gp,3g2,mj2', video: hd, audio: { codec: 'aac' }, plan: 'copy' },
    args: `${head} -stream_loop -1 -re -protocol_whitelist file -format_whitelist ${files} -i file:/m/a:b.mp4 ${both} -c:v copy -c:a copy ${mux}`,
  },
  {
    name: 'MPEG-2 file',
    device: '/m/old.mpg',
    config: { audio: 'none' },
    found: { container: 'mpeg', video: pal, audio: { codec: 'mp2' }, plan: 'encode' },
    args: `${head} -stream_loop -1 -re -protocol_whitelist file -format_whitelist ${files} -i file:/m/old.mpg ${video} ${x264('veryfast', 25, 2500)} -an ${mux}`,
  },
  {
    name: 'USB camera in the format and size it offers',
    device: '/dev/video0',
    found: { container: 'v4l2', video: { codec: 'mjpeg', width: 1280, height: 720 }, plan: 'encode' },
    args: `${head} -f v4l2 -input_format mjpeg -video_size 1280x720 -i /dev/video0 ${video} -fps_mode vfr -c:v libx264 -preset veryfast -tune zerolatency -sc_threshold 0 -forced-idr 1 -pix_fmt yuv420p -threads 1 ${force} ${rate(2500)} -an ${mux}`,
  },
  {
    name: 'USB camera as configured',
    device: '/dev/video2',
    config: { resolution: '640x480', framerate: 15 },
    found: { container: 'v4l2', video: { codec: 'yuyv422', width: 640, height: 480 }, plan: 'encode' },
    args: `${head} -f v4l2 -input_format yuyv422 -framerate 15 -video_size 640x480 -i /dev/video2 ${video} -vf fps=15 ${x264('veryfast', 15, 1500)} -an ${mux}`,
  },
  {
    name: 'USB camera with its own H.264, copied',
    device: '/dev/video0',
    config: { codec: 'copy' },
    found: { container: 'v4l2', video: { codec: 'mjpeg', width: 1280, height: 720 }, plan: 'encode' },
    args: `${head} -f v4l2 -input_format h264 -i /dev/video0 ${video} -c:v copy -an ${mux}`,
  },
  {
    name: 'USB camera with its own H.264, copied in the size and at the rate asked for',
    device: '/dev/video0',
    config: { codec: 'copy', resolution: '1920x1080', framerate: 30 },
    found: { container: 'v4l2', video: { codec: 'mjpeg', width: 1280, height: 720, frame_rate: 30 }, plan: 'encode' },
    args: `${head} -f v4l2 -input_format h264 -framerate 30 -video_size 1920x1080 -i /dev/video0 ${video} -c:v copy -an ${mux}`,
  },
  {
    name: 'camera that gives H.264 only is copied',
    device: '/dev/video0',
    config: { resolution: '1920x1080', framerate: 30 },
    found: { container: 'v4l2', video: { codec: 'h264', width: 1920, height: 1080, frame_rate: 30 }, plan: 'copy' },
    args: `${head} -f v4l2 -input_format h264 -framerate 30 -video_size 1920x1080 -i /dev/video0 ${video} -c:v copy -an ${mux}`,
  },
  {
    name: 'camera that gives H.264 only, in another size: decoded, and fitted into it whatever the driver gives',
    device: '/dev/video0',
    config: { resolution: '1280x720', framerate: 30 },
    found: { container: 'v4l2', video: { codec: 'h264', width: 1920, height: 1080, frame_rate: 30 }, plan: 'copy' },
    args: `${head} -f v4l2 -input_format h264 -framerate 30 -video_size 1280x720 -i /dev/video0 ${video} -vf fps=30,${fit} ${x264('veryfast', 30, 2500)} -an ${mux}`,
  },
  {
    name: 'camera that gives H.264 only, to be encoded anew',
    device: '/dev/video0',
    config: { codec: 'h264' },
    found: { container: 'v4l2', video: { codec: 'h264', width: 1280, height: 720, frame_rate: 30 }, plan: 'copy' },
    args: `${head} -f v4l2 -input_format h264 -framerate 30 -video_size 1280x720 -i /dev/video0 ${video} ${x264('veryfast', 30, 2500)} -an ${mux}`,
  },
  {
    name: 'NVENC is first choice where it works',
    device: '/dev/video0',
    facts: withHardware,
    args: `${head} -f v4l2 -i /dev/video0 ${video} -vf ${odd} -fps_mode vfr -c:v h264_nvenc -preset p4 -tune ull -zerolatency 1 -rc cbr -delay 0 -forced-idr 1 -pix_fmt yuv420p ${force} ${rate(2500)} -an ${mux}`,
  },
  {
    name: 'VAAPI',
    device: '/dev/video0',
    config: { encoder: 'h264_vaapi' },
    facts: withHardware,
    args: `${head} -vaapi_device /dev/dri/renderD129 -f v4l2 -i /dev/video0 ${video} -vf ${odd},format=nv12,hwupload -fps_mode vfr -c:v h264_vaapi -async_depth 1 -idr_interval 0 ${force} ${rate(2500)} -an ${mux}`,
  },
  {
    name: 'QSV',
    device: '/dev/video0',
    config: { encoder: 'h264_qsv' },
    facts: withHardware,
    args: `${head} -init_hw_device vaapi=va:/dev/dri/renderD129 -init_hw_device qsv=hw@va -filter_hw_device hw -f v4l2 -i /dev/video0 ${video} -vf ${odd},format=nv12 -fps_mode vfr -c:v h264_qsv -preset veryfast -async_depth 1 -look_ahead 0 -forced_idr 1 ${force} ${rate(2500)} -an ${mux}`,
  },
  {
    name: 'V4L2 M2M tells its parameters late',
    device: '/dev/video0',
    config: { encoder: 'h264_v4l2m2m' },
    facts: withHardware,
    args: `${head} -f v4l2 -i /dev/video0 ${video} -vf ${odd} -fps_mode vfr -c:v h264_v4l2m2m -pix_fmt yuv420p -num_capture_buffers 16 ${force} ${rate(2500)} -an ${mux.replace('skip_trailer', 'skip_trailer+delay_moov')}`,
  },
  {
    name: 'push to RTMP beside the picture',
    device: 'rtsp://cam/1',
    config: { output_url: "rtmp://u:p@live/app/k'e|y" },
    found: { container: 'rtsp', video: hd, plan: 'copy' },
    args: `${headWithPush} ${rtsp} -i rtsp://cam/1 ${video} -c:v copy -an ${teeHead} ${teeLocal}|[f=flv:flvflags=no_duration_filesize:rw_timeout=5000000:${fifo}]rtmp://u:p@live/app/k\\'e\\|y`,
  },
  {
    name: 'push to RTSP',
    device: 'rtsp://cam/1',
    config: { output_url: 'rtsp://server/x' },
    found: { container: 'rtsp', video: hd, plan: 'copy' },
    args: `${headWithPush} ${rtsp} -i rtsp://cam/1 ${video} -c:v copy -an ${teeHead} ${teeLocal}|[f=rtsp:rtsp_transport=tcp:${fifo}]rtsp://server/x`,
  },
  {
    name: 'push to SRT',
    device: 'rtsp://cam/1',
    config: { output_url: 'srt://server:9000?streamid=a' },
    found: { container: 'rtsp', video: hd, plan: 'copy' },
    args: `${headWithPush} ${rtsp} -i rtsp://cam/1 ${video} -c:v copy -an ${teeHead} ${teeLocal}|[f=mpegts:rw_timeout=5000000:${fifo}]srt://server:9000?streamid=a`,
  },
];

function plan(row: Omit<Row, 'args' | 'name'>) {
  const source = parseSource(row.device, { mediaFolders: ['/m'], checkFiles: false });
  const probe = row.found === undefined ? undefined : { device: row.device, reachable: true, took_ms: 1, ...row.found };
  return planCapture({ device: row.device, ...row.config }, source, probe, row.facts ?? facts);
}

/** The graph of the test picture has its own test; here it is one word. */
function asText(args: readonly string[]): string {
  const at = args.indexOf('lavfi');
  return args.map((arg, index) => (at >= 0 && index === at + 2 ? 'GRAPH' : arg)).join(' ');
}

describe('captureArgs', () => {
  for (const row of rows) {
    test(row.name, () => assert.equal(asText(captureArgs(plan(row), row.facts ?? facts)), row.args));
  }

  test('the test picture is drawn as configured', () => {
    const args = captureArgs(plan({ device: 'test:?audio=1', config: { resolution: '640x360', framerate: 15 } }), facts);
    const expected = testPictureGraph({ width: 640, height: 360, frameRate: 15, hasAudio: true }, facts);
    assert.equal(args[args.indexOf('lavfi') + 2], expected);
    assert.ok(expected.includes('drawtext=fontfile=/fonts/Sans.ttf'));
    assert.ok(!testPictureGraph({ width: 640, height: 360, frameRate: 15, hasAudio: false }, { fontFile: undefined }).includes('drawtext'));
  });
});

describe('planCapture', () => {
  const codeOf = (row: Omit<Row, 'args' | 'name'>) => {
    try {
      plan(row);
      return 'planned';
    } catch (error) {
      assert.ok(error instanceof WeirError, String(error));
      return error.code;
    }
  };
  test('refuses an encoder that does not work here, and says why', () => {
    assert.equal(codeOf({ device: 'test:', config: { encoder: 'h264_vaapi' } }), 'failed_precondition');
    assert.throws(() => plan({ device: 'test:', config: { encoder: 'h264_nvenc' } }), /was not tried/);
  });
  test('refuses a source without a picture', () => {
    assert.equal(codeOf({ device: 'rtsp://cam/1', found: { container: 'rtsp', audio: { codec: 'aac' } } }), 'unsupported');
  });
  const why: [StreamConfig, RegExp][] = [
    [{}, /^copied/],
    [{ codec: 'h264' }, /as configured/],
    [{ resolution: '1920x1080', framerate: 25 }, /^copied/],
    [{ resolution: '640x360' }, /size is to be 640x360/],
    [{ framerate: 30 }, /frame rate is to be 30/],
    [{ bitrate: 900 }, /bitrate is to be 900/],
    [{ encoder: 'libx264' }, /libx264 is asked for/],
    [{ keyframe_interval_s: 2 }, /keyframes are to come every 2 s/],
  ];
  for (const [config, words] of why) {
    test(`says why: ${JSON.stringify(config)}`, () => {
      const { why: reason } = plan({
        device: 'rtsp://cam/1',
        config,
        found: { container: 'rtsp', video: hd, plan: 'copy', why: 'copied, as it plays' },
      });
      assert.match(reason, words);
    });
  }
});

test('snapshotArgs', () => {
  const input = '-hide_banner -nostdin -loglevel level+error -protocol_whitelist pipe -f mp4 -i pipe:0 -map 0:v:0 -frames:v 1';
  assert.equal(
    snapshotArgs({ format: 'jpg', width: 320 }).join(' '),
    `${input} -vf scale=w='min(iw,320)':h=-2 -c:v mjpeg -q:v 3 -pix_fmt yuvj420p -threads 1 -f image2pipe pipe:1`,
  );
  assert.equal(snapshotArgs({ format: 'png' }).join(' '), `${input} -c:v png -threads 1 -f image2pipe pipe:1`);
});

test('testEncodeArgs', () => {
  assert.equal(
    testEncodeArgs('h264_vaapi', { renderNode: '/dev/dri/renderD128' }).join(' '),
    `-nostdin -nostats -loglevel level+info -vaapi_device /dev/dri/renderD128 -f lavfi -i testsrc2=size=640x480:rate=30 -frames:v 60 -vf format=nv12,hwupload -c:v h264_vaapi -async_depth 1 -idr_interval 0 -bf 0 -g 30 -force_key_frames expr:gte(t,n_forced*1) ${rate(1000)} -f null -`,
  );
});

test('slateArgs: same form of output, five pictures a second, text only with a font', () => {
  const slate = { title: 'Door', text: 'No answer', since: new Date('2026-01-02T03:04:05Z'), width: 641, height: 361, hasAudio: true };
  assert.equal(
    asText(slateArgs(slate, facts)),
    `${head} -re -f lavfi -i GRAPH -map 0:v:0 -map 0:a:0 ${x264('ultrafast', 5, 400).replace('-fps_mode vfr ', '')} -c:a aac -b:a 32k ${mux}`,
  );
  const graph = (facts_: MachineFacts) => slateArgs(slate, facts_).find((arg) => arg.startsWith('color=')) ?? '';
  assert.match(graph(facts), /^color=c=0x14181d:s=640x360:r=5,.*text=Door,.*text=No answer,.*since 2026-01-02 03/);
  assert.match(graph({ ...facts, fontFile: undefined }), /^color=c=0x14181d:s=640x360:r=5,format=yuv420p\[out0\];anullsrc/);
});

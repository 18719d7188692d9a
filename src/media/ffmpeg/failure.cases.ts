/** What FFmpeg 5.1.9 really wrote, run with the arguments of `captureArgs` (addresses and pointers shortened). */
import type { StreamReason } from '../../contracts/stream.js';

export interface FailureCase {
  readonly name: string;
  readonly code: number;
  readonly lines: readonly string[];
  readonly reason: StreamReason;
  readonly isPermanent: boolean;
}

export const failureCases: readonly FailureCase[] = [
  {
    name: 'camera unplugged amid its pictures',
    code: 0,
    reason: 'source_missing',
    isPermanent: false,
    lines: [
      '[video4linux2,v4l2 @ 0x1] [error] ioctl(VIDIOC_DQBUF): No such device',
      '[error] /dev/video3: No such device',
      '[error] ioctl(VIDIOC_QBUF): No such device',
      '[video4linux2,v4l2 @ 0x1] [warning] Some buffers are still owned by the caller on close.',
    ],
  },
  {
    name: 'rtsp refused',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: [
      '[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:9?timeout=5000000 failed: Connection refused',
      '[error] rtsp://127.0.0.1:9/x: Connection refused',
    ],
  },
  {
    name: 'rtsp 401',
    code: 1,
    reason: 'source_refused',
    isPermanent: true,
    lines: [
      '[rtsp @ 0x1] [error] method DESCRIBE failed: 401 Unauthorized',
      '[error] rtsp://u:wrong@127.0.0.1:9/live: Server returned 401 Unauthorized (authorization failed)',
    ],
  },
  {
    name: 'rtsp 401 none',
    code: 1,
    reason: 'source_refused',
    isPermanent: true,
    lines: [
      '[rtsp @ 0x1] [error] method DESCRIBE failed: 401 Unauthorized',
      '[error] rtsp://127.0.0.1:9/live: Server returned 401 Unauthorized (authorization failed)',
    ],
  },
  {
    name: 'rtsp 404',
    code: 1,
    reason: 'source_missing',
    isPermanent: false,
    lines: ['[rtsp @ 0x1] [error] method DESCRIBE failed: 404 Not Found', '[error] rtsp://127.0.0.1:9/live: Server returned 404 Not Found'],
  },
  {
    name: 'rtsp 403',
    code: 1,
    reason: 'source_refused',
    isPermanent: true,
    lines: [
      '[rtsp @ 0x1] [error] method DESCRIBE failed: 403 Forbidden',
      '[error] rtsp://127.0.0.1:9/live: Server returned 403 Forbidden (access denied)',
    ],
  },
  {
    name: 'rtsp 503',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: [
      '[rtsp @ 0x1] [error] method DESCRIBE failed: 503 Service Unavailable',
      '[error] rtsp://127.0.0.1:9/live: Server returned 5XX Server Error reply',
    ],
  },
  {
    name: 'rtsp silent',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: ['[error] rtsp://127.0.0.1:9/x: Invalid data found when processing input'],
  },
  {
    name: 'rtsp reset',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: ['[error] rtsp://127.0.0.1:9/x: Invalid data found when processing input'],
  },
  {
    name: 'rtsp junk',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: ['[error] rtsp://127.0.0.1:9/x: Invalid data found when processing input'],
  },
  {
    name: 'dns',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: [
      '[tcp @ 0x1] [error] Failed to resolve hostname no-such-host.invalid: Name or service not known',
      '[error] rtsp://no-such-host.invalid/x: Input/output error',
    ],
  },
  {
    name: 'unreachable',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: ['[error] rtsp://240.0.0.1/x: Invalid data found when processing input'],
  },
  {
    name: 'rtmp refused',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: [
      '[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:9?tcp_nodelay=0 failed: Connection refused',
      '[rtmp @ 0x1] [error] Cannot open connection tcp://127.0.0.1:9?tcp_nodelay=0',
      '[error] rtmp://127.0.0.1:9/live/x: Connection refused',
    ],
  },
  {
    name: 'rtmp junk',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: ['[rtmp @ 0x1] [error] Server response validating failed', '[error] rtmp://127.0.0.1:9/live/x: Input/output error'],
  },
  {
    name: 'srt nobody',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: ['[srt @ 0x1] [error] Connection to srt://127.0.0.1:9 failed: Input/output error', '[error] srt://127.0.0.1:9: Input/output error'],
  },
  {
    name: 'http 401',
    code: 1,
    reason: 'source_refused',
    isPermanent: true,
    lines: ['[error] http://127.0.0.1:9/401: Server returned 401 Unauthorized (authorization failed)'],
  },
  {
    name: 'http 403',
    code: 1,
    reason: 'source_refused',
    isPermanent: true,
    lines: ['[http @ 0x1] [warning] HTTP error 403 Forbidden', '[error] http://127.0.0.1:9/403: Server returned 403 Forbidden (access denied)'],
  },
  {
    name: 'http 404',
    code: 1,
    reason: 'source_missing',
    isPermanent: false,
    lines: ['[http @ 0x1] [warning] HTTP error 404 Not Found', '[error] http://127.0.0.1:9/404: Server returned 404 Not Found'],
  },
  {
    name: 'http 500',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: ['[http @ 0x1] [warning] HTTP error 500 Internal Server Error', '[error] http://127.0.0.1:9/500: Server returned 5XX Server Error reply'],
  },
  {
    name: 'http refused',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: [
      '[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:9 failed: Connection refused',
      '[http @ 0x1] [warning] Will reconnect at 0 in 0 second(s).',
      '[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:9 failed: Connection refused',
      '[http @ 0x1] [warning] Will reconnect at 0 in 1 second(s).',
      '[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:9 failed: Connection refused',
      '[error] http://127.0.0.1:9/x: Connection refused',
    ],
  },
  {
    name: 'http garbage',
    code: 1,
    reason: 'source_garbage',
    isPermanent: false,
    lines: ['[error] http://127.0.0.1:9/garbage: Invalid data found when processing input'],
  },
  {
    name: 'http empty',
    code: 1,
    reason: 'source_garbage',
    isPermanent: false,
    lines: ['[error] http://127.0.0.1:9/empty: Invalid data found when processing input'],
  },
  {
    name: 'http evil playlist',
    code: 1,
    reason: 'forbidden_source',
    isPermanent: true,
    lines: [
      '[hls @ 0x1] [error] URL file:///etc/passwd is not in allowed_segment_extensions',
      '[error] http://127.0.0.1:9/evil.m3u8: Invalid data found when processing input',
    ],
  },
  {
    name: 'http redirect to file',
    code: 1,
    reason: 'source_garbage',
    isPermanent: false,
    lines: [
      '[http @ 0x1] [warning] Will reconnect at 0 in 0 second(s).',
      '[http @ 0x1] [warning] Will reconnect at 0 in 1 second(s).',
      '[error] http://127.0.0.1:9/redir: Invalid argument',
    ],
  },
  {
    name: 'http ended',
    code: 0,
    reason: 'source_ended',
    isPermanent: false,
    lines: ['[error] Error closing progress log, loss of information possible: Broken pipe'],
  },
  {
    name: 'v4l2 missing',
    code: 1,
    reason: 'source_missing',
    isPermanent: false,
    lines: [
      '[video4linux2,v4l2 @ 0x1] [error] Cannot open video device /dev/video99: No such file or directory',
      '[error] /dev/video99: No such file or directory',
    ],
  },
  {
    name: 'file garbage.mp4',
    code: 1,
    reason: 'source_garbage',
    isPermanent: false,
    lines: [
      '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x1] [warning] Format mov,mp4,m4a,3gp,3g2,mj2 detected only with low score of 1, misdetection possible!',
      '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x1] [error] moov atom not found',
      '[error] file:/tmp/media/m/garbage.mp4: Invalid data found when processing input',
    ],
  },
  {
    name: 'file empty.mp4',
    code: 1,
    reason: 'source_garbage',
    isPermanent: false,
    lines: [
      '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x1] [warning] Format mov,mp4,m4a,3gp,3g2,mj2 detected only with low score of 1, misdetection possible!',
      '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x1] [error] moov atom not found',
      '[error] file:/tmp/media/m/empty.mp4: Invalid data found when processing input',
    ],
  },
  {
    name: 'file audio.m4a',
    code: 1,
    reason: 'audio_only',
    isPermanent: true,
    lines: ["[fatal] Stream map '0:v:0' matches no streams.", "To ignore this, add a trailing '?' to the map."],
  },
  {
    name: 'file cut.mp4',
    code: 1,
    reason: 'source_garbage',
    isPermanent: false,
    lines: [
      '[mov,mp4,m4a,3gp,3g2,mj2 @ 0x1] [error] moov atom not found',
      '[error] file:/tmp/media/m/cut.mp4: Invalid data found when processing input',
    ],
  },
  {
    name: 'file list.m3u8',
    code: 1,
    reason: 'forbidden_source',
    isPermanent: true,
    lines: [
      "[hls @ 0x1] [error] Format not on whitelist 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,avi,flv,asf,mxf,ogg,nut,h264,hevc,mjpeg,gif,wtv,dv'",
      '[error] file:/tmp/media/m/list.m3u8: Invalid argument',
    ],
  },
  {
    name: 'file concat.txt',
    code: 1,
    reason: 'forbidden_source',
    isPermanent: true,
    lines: [
      "[concat @ 0x1] [error] Format not on whitelist 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,avi,flv,asf,mxf,ogg,nut,h264,hevc,mjpeg,gif,wtv,dv'",
      '[error] file:/tmp/media/m/concat.txt: Invalid argument',
    ],
  },
  {
    name: 'file gone',
    code: 1,
    reason: 'source_missing',
    isPermanent: false,
    lines: ['[error] file:/tmp/media/m/gone.mp4: No such file or directory'],
  },
  { name: 'file dir', code: 1, reason: 'source_missing', isPermanent: false, lines: ['[error] file:/tmp/media/m: Is a directory'] },
  {
    name: 'file ended',
    code: 0,
    reason: 'source_ended',
    isPermanent: false,
    lines: ['[error] Error closing progress log, loss of information possible: Bad file descriptor'],
  },
  {
    name: 'encoder h264_nvenc',
    code: 1,
    reason: 'encoder_failed',
    isPermanent: false,
    lines: [
      '[h264_nvenc @ 0x1] [error] Cannot load libcuda.so.1',
      '[error] Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe incorrect parameters such as bit_rate, rate, width or height',
    ],
  },
  {
    name: 'encoder h264_vaapi',
    code: 1,
    reason: 'encoder_failed',
    isPermanent: false,
    lines: [
      '[AVHWDeviceContext @ 0x1] [error] No VA display found for device /dev/dri/renderD128.',
      '[error] Device creation failed: -22.',
      "[error] Failed to set value '/dev/dri/renderD128' for option 'vaapi_device': Invalid argument",
      '[fatal] Error parsing global options: Invalid argument',
    ],
  },
  {
    name: 'encoder h264_qsv',
    code: 1,
    reason: 'encoder_failed',
    isPermanent: false,
    lines: [
      '[AVHWDeviceContext @ 0x1] [error] No VA display found for device /dev/dri/renderD128.',
      '[error] Device creation failed: -22.',
      "[error] Failed to set value 'vaapi=va:/dev/dri/renderD128' for option 'init_hw_device': Invalid argument",
      '[fatal] Error parsing global options: Invalid argument',
    ],
  },
  {
    name: 'encoder h264_v4l2m2m',
    code: 1,
    reason: 'encoder_failed',
    isPermanent: false,
    lines: [
      '[h264_v4l2m2m @ 0x1] [error] Could not find a valid device',
      "[h264_v4l2m2m @ 0x1] [error] can't configure encoder",
      '[error] Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe incorrect parameters such as bit_rate, rate, width or height',
    ],
  },
  {
    name: 'rtsp 401 behind a script',
    code: 1,
    reason: 'source_refused',
    isPermanent: true,
    lines: [
      '[rtsp @ 0x1] [error] method DESCRIBE failed: 401 Unauthorized',
      "[concat @ 0x1] [error] Impossible to open 'rtsp://admin:wrong@127.0.0.1:9/live'",
      '[error] pipe:0: Server returned 401 Unauthorized (authorization failed)',
    ],
  },
  {
    name: 'rtsp refused behind a script',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: [
      '[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:1?timeout=5000000 failed: Connection refused',
      "[concat @ 0x1] [error] Impossible to open 'rtsp://u:wrong@127.0.0.1:1/x'",
      '[error] pipe:0: Connection refused',
    ],
  },
  {
    name: 'wrong SRT passphrase behind a script',
    code: 1,
    reason: 'source_unreachable',
    isPermanent: false,
    lines: [
      '[srt @ 0x1] [error] Connection to srt://127.0.0.1:9?mode=caller&passphrase=wrongwrong failed: Input/output error',
      "[concat @ 0x1] [error] Impossible to open 'srt://127.0.0.1:9?mode=caller&passphrase=wrongwrong'",
      '[error] pipe:0: Input/output error',
    ],
  },
  {
    name: 'http 404 behind a script',
    code: 1,
    reason: 'source_missing',
    isPermanent: false,
    lines: [
      '[http @ 0x1] [warning] HTTP error 404 Not Found',
      "[concat @ 0x1] [error] Impossible to open 'http://admin:wrong@127.0.0.1:9/b.ts'",
      '[error] pipe:0: Server returned 404 Not Found',
    ],
  },
];

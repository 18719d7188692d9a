/** Numbers and times as people read them. Pure. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`; `in …` for what is to come. */
export function formatRelative(time: number, now: number): string {
  const gap = Math.abs(now - time);
  if (gap < 2 * second) return 'just now';
  const text = formatSpan(gap);
  return time > now ? `in ${text}` : `${text} ago`;
}

/** One unit, rounded down: `42 s`, `5 min`, `3 h`, `2 d`. */
export function formatSpan(ms: number): string {
  if (ms < minute) return `${Math.floor(ms / second)} s`;
  if (ms < hour) return `${Math.floor(ms / minute)} min`;
  if (ms < 2 * day) return `${Math.floor(ms / hour)} h`;
  return `${Math.floor(ms / day)} d`;
}

/** Two units: `4 s`, `5 min 03 s`, `3 h 12 min`, `2 d 4 h`. */
export function formatUptime(ms: number): string {
  const s = Math.max(0, Math.floor(ms / second));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** A counter that runs: `0:07`, `12:05`, `1:02:33`. */
export function formatElapsed(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const s = String(whole % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${s}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${s}`;
}

/** A length of time in up to two units: `400 ms`, `2.5 s`, `12 s`, `5 min 3 s`, `2 h`, `3 d 4 h`. */
export function formatLength(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / second).toFixed(1).replace(/\.0$/, '')} s`;
  const s = Math.round(ms / second);
  const units: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => s >= size);
  const [size, name] = units[first] ?? [1, 's'];
  const [nextSize, nextName] = units[first + 1] ?? [0, ''];
  const rest = nextSize === 0 ? 0 : Math.floor((s % size) / nextSize);
  return rest === 0 ? `${Math.floor(s / size)} ${name}` : `${Math.floor(s / size)} ${name} ${rest} ${nextName}`;
}

/** `850 kbit/s`, `3.2 Mbit/s`. */
export function formatBitrate(kbps: number): string {
  if (kbps < 1000) return `${Math.round(kbps)} kbit/s`;
  return `${(kbps / 1000).toFixed(kbps < 10_000 ? 2 : 1)} Mbit/s`;
}

/** `12 kB`, `3.4 MB`, `1.2 GB` (powers of 1000). */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** Thousands apart: `12 345`, with a thin space. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** Frames per second: whole numbers plain, others with one digit. */
export function formatRate(fps: number): string {
  return Math.abs(fps - Math.round(fps)) < 0.05 ? `${Math.round(fps)}` : fps.toFixed(1);
}

/** `H.264`, `H.265`, `AAC` … for the names FFmpeg uses. */
export function formatCodec(codec: string): string {
  return codecNames[codec] ?? codec.toUpperCase();
}

/** `mov,mp4,m4a,3gp,3g2,mj2`, as FFmpeg calls a container, in plain words; one that has none is shown in capitals. */
export function formatContainer(container: string): string {
  const [first = ''] = container.split(',');
  return containerNames[first] ?? first.toUpperCase();
}

const containerNames: Record<string, string> = {
  mov: 'MP4 or QuickTime',
  matroska: 'Matroska or WebM',
  mpegts: 'MPEG transport stream',
  mpeg: 'MPEG programme stream',
  asf: 'Windows Media',
  ogg: 'Ogg',
  flv: 'Flash Video',
  w64: 'Wave64',
};

const codecNames: Record<string, string> = {
  h264: 'H.264',
  hevc: 'H.265',
  mpeg4: 'MPEG-4',
  mjpeg: 'Motion JPEG',
  opus: 'Opus',
  rawvideo: 'raw video',
};

/** `1280 × 720 · 30 fps · H.264`; what is unknown is left out. */
export function formatVideo(video: { codec: string; width: number; height: number; frame_rate?: number | undefined } | undefined): string {
  if (video === undefined) return '';
  const parts = [`${video.width} × ${video.height}`];
  if (video.frame_rate !== undefined) parts.push(`${formatRate(video.frame_rate)} fps`);
  parts.push(formatCodec(video.codec));
  return parts.join(' · ');
}

/** An id made from a name: lower case, words joined by `-`, at most 48 characters; empty when nothing is left. */
export function suggestId(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 48)
    .replace(/-+$/, '');
}

/** A short name for a source, without credentials: `cam.local/stream1`, `video0`, `clip.mp4`, `Test picture`. */
export function nameSource(device: string): string {
  if (device.startsWith('test:')) return 'Test picture';
  const url = /^[a-z+]+:\/\/(?:[^@/]*@)?([^?#]+)/i.exec(device);
  if (url?.[1] !== undefined) return url[1].replace(/\/+$/, '');
  return device.split('/').pop() ?? device;
}

/** Hides the password of a URL: `rtsp://user:***@host/…`. */
export function maskSource(device: string): string {
  return device.replace(/^([a-z+]+:\/\/[^:@/]*):[^@/]*@/i, '$1:***@');
}

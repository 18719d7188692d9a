/** How FFmpeg and ffprobe may touch what strangers sent. */

/** Containers that are taken: real files, none that names other files or addresses. As demuxers are called. */
export const allowedContainers = [
  'mov',
  'matroska',
  'mpegts',
  'avi',
  'flv',
  'asf',
  'ogg',
  'mpeg',
  'wav',
  'mp3',
  'aac',
  'flac',
  'mxf',
  'w64',
  'aiff',
] as const;

/** Pixels of a picture beyond which it is not even decoded: 8192 by 4320. */
export const defaultMaxPixels = 35_389_440;

/** Arguments that must stand before `-i`, and `-i` itself. The path must be absolute and made by us, so that it is taken for nothing else. */
export function sourceInputArgs(path: string, options: { readonly maxPixels?: number | undefined } = {}): string[] {
  return [...sourceGuardArgs(options), '-i', `file:${path}`];
}

/** The same without the input. */
export function sourceGuardArgs(options: { readonly maxPixels?: number | undefined } = {}): string[] {
  // Demuxers are named by all their names at once: one must be in the list.
  const names = allowedContainers.flatMap((name) => aliases[name] ?? [name]);
  return [
    ...['-protocol_whitelist', 'file', '-format_whitelist', names.join(',')],
    ...['-max_pixels', String(options.maxPixels ?? defaultMaxPixels)],
  ];
}

const aliases: Readonly<Record<string, readonly string[]>> = {
  mov: ['mov', 'mp4', 'm4a', '3gp', '3g2', 'mj2'],
  matroska: ['matroska', 'webm'],
};

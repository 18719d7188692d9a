/** What a file that is not taken seems to be, in words for whoever sent it. */
import type { FileHandle } from 'node:fs/promises';

const headBytes = 1024;

/** Signs at the beginning; texts may have a mark of their encoding and empty lines before them. */
const signs: readonly (readonly [RegExp | string, string])[] = [
  [/^\s*#EXTM3U/, 'a playlist (M3U or HLS)'],
  [/^\s*ffconcat version/, 'a list of files for FFmpeg (ffconcat)'],
  [/^\s*v=0\r?\n/, 'a description of a session (SDP)'],
  [/^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)?<MPD\b/, 'a DASH manifest'],
  [/^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*|<!DOCTYPE[^>]*>\s*)*<svg\b/i, 'a drawing (SVG)'],
  [/^\s*(?:<!DOCTYPE html|<html\b)/i, 'a web page (HTML)'],
  [/^\s*(?:WEBVTT|\d+\r?\n\d\d:\d\d:\d\d,\d{3} -->)/, 'a file of subtitles'],
  [/^\s*\[Script Info\]/i, 'a file of subtitles'],
  [/^%PDF-/, 'a PDF document'],
  ['PK\x03\x04', 'a ZIP archive, or a document that is one'],
  ['\x89PNG\r\n\x1a\n', 'a picture (PNG)'],
  [/^\xff\xd8\xff/, 'a picture (JPEG)'],
  [/^GIF8[79]a/, 'a picture (GIF)'],
  [/^RIFF[\s\S]{4}WEBP/, 'a picture (WebP)'],
  ['II*\0', 'a picture (TIFF)'],
  ['MM\0*', 'a picture (TIFF)'],
];

/** Undefined: nothing that is known by its beginning. */
export async function seemsToBe(file: FileHandle): Promise<string | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  const head = buffer.toString('latin1', 0, bytesRead).replace(/^\xef\xbb\xbf/, '');
  return signs.find(([sign]) => (typeof sign === 'string' ? head.startsWith(sign) : sign.test(head)))?.[1];
}

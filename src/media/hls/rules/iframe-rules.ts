/** Chapter 6 of the authoring specification: I-frame playlists, by which players seek fast and show previews. */
import { packetBytes, readTsSegment } from '../ts-reader.js';
import type { IFrameFacts } from './facts.js';
import { each, failed, fileOf, must, notApplicable, passed, pictures, type Rule, should } from './rule.js';

/** What is wrong with the bytes of one entry; undefined when a decoder finds a whole keyframe there. */
function frameFault(facts: IFrameFacts, index: number): string | undefined {
  const entry = facts.playlist.segments[index];
  const bytes = facts.frames[index] ?? new Uint8Array();
  if (facts.playlist.key !== undefined) return encryptedFault(facts, bytes);
  if (entry?.range === undefined) return `Entry ${index} names no range`;
  const { start, end } = entry.range;
  const segment = facts.source?.track.segments.find(({ file }) => file === entry.file);
  const keyframe = segment?.keyframes.find((one) => one.end <= end && one.start >= start);
  const isFragment = facts.source?.track.files.init !== undefined;
  if (isFragment && Buffer.from(bytes.subarray(4, 8)).toString() !== 'moof') return `Entry ${index} does not begin with its moof`;
  if (!isFragment && (bytes[0] !== 0x47 || (end - start) % packetBytes !== 0)) return `Entry ${index} is no run of whole packets`;
  return keyframe === undefined ? `Entry ${index} holds no whole keyframe` : undefined;
}

function encryptedFault({ source }: IFrameFacts, bytes: Uint8Array): string | undefined {
  if (source?.track.files.init !== undefined)
    return Buffer.from(bytes.subarray(4, 8)).toString() === 'moof' ? undefined : 'An entry without its moof';
  try {
    return (readTsSegment(bytes).video?.keyframes.length ?? 0) > 0 ? undefined : 'An entry holds no keyframe';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function longestGap({ playlist }: IFrameFacts): number {
  return playlist.segments.reduce((most, { durationS }) => Math.max(most, durationS), 0);
}

export const iframeRules: readonly Rule[] = [
  must('6.1', 'Every rendition has its I-frame playlist, listed by EXT-X-I-FRAME-STREAM-INF', (facts) => {
    if (pictures(facts).length === 0) return notApplicable('Without a picture');
    const names = new Set(facts.iframes.map(({ source }) => source?.file));
    return each(pictures(facts), ({ file }) => (names.has(file) ? undefined : 'It has none'), fileOf);
  }),
  should('6.2', 'I-frames come once a second', (facts) =>
    each(facts.iframes, (one) => (longestGap(one) <= 1.1 ? undefined : `${longestGap(one).toFixed(2)} s without one`), fileOf),
  ),
  should('6.6', 'I-frames are offered at several bit rates', (facts) => {
    if (pictures(facts).length < 2) return notApplicable('One rendition');
    return new Set(facts.iframes.map(({ line }) => line.attributes.get('BANDWIDTH'))).size > 1 ? passed : failed('At one', facts.output.master);
  }),
  must('6.8', 'I-frame playlists say EXT-X-I-FRAMES-ONLY', (facts) =>
    each(facts.iframes, ({ playlist }) => (playlist.tags.has('EXT-X-I-FRAMES-ONLY') ? undefined : 'It does not'), fileOf),
  ),
  must('6.10', 'The range of an I-frame holds all of it, in fragmented MP4 with its moof', (facts) =>
    each(
      facts.iframes.flatMap((one) => one.frames.map((_bytes, index) => ({ file: one.file, one, index }))),
      ({ one, index }) => frameFault(one, index),
      fileOf,
    ),
  ),
  must('8.20', 'Fragmented MP4 and I-frames of MPEG-TS name what initialises a decoder by EXT-X-MAP', (facts) => {
    const fragmented = [...facts.variants, ...facts.audio].filter(({ track }) => track.files.init !== undefined);
    const playlists = [...fragmented, ...facts.iframes.filter(({ playlist }) => playlist.key === undefined)];
    return each(playlists, ({ playlist }) => (playlist.map === undefined ? 'It has no EXT-X-MAP' : undefined), fileOf);
  }),
];

/** Reads fragmented MP4 whose end may be torn: what of it is whole. */
import type { TrackFacts } from './codecs.js';
import { createFragmentCutter } from './cutter.js';

export interface FragmentScan {
  /** Undefined when not even the init segment is whole; all else is then 0. */
  readonly facts: TrackFacts | undefined;
  readonly initBytes: number;
  /** Up to the end of the last whole fragment. */
  readonly wholeBytes: number;
  readonly fragments: number;
  /** Samples of the video track. */
  readonly frames: number;
  /** From the first picture to the end of the last. */
  readonly durationMs: number;
  /** Milliseconds from the first picture, and byte offset, of each keyframe. */
  readonly keyframes: readonly (readonly [number, number])[];
}

/** Takes the chunks of a file in order, each with memory of its own; stops at the first byte that cannot belong there. */
export async function scanFragments(chunks: AsyncIterable<Uint8Array>): Promise<FragmentScan> {
  let facts: TrackFacts | undefined;
  let [initBytes, wholeBytes, fragments, frames] = [0, 0, 0, 0];
  let [firstMs, endMs]: [number | undefined, number] = [undefined, 0];
  const keyframes: [number, number][] = [];
  const cutter = createFragmentCutter({
    onInit: (init) => {
      facts ??= init.facts;
      initBytes ||= init.bytes.length;
      wholeBytes += init.bytes.length;
    },
    onFragment: (fragment) => {
      const isMain = fragment.hasVideo || facts?.video === undefined;
      if (isMain) {
        firstMs ??= fragment.timeMs;
        endMs = Math.max(endMs, fragment.timeMs + fragment.durationMs);
        if (fragment.isKey) keyframes.push([Math.round(fragment.timeMs - firstMs), wholeBytes]);
      }
      wholeBytes += fragment.bytes.length;
      fragments += 1;
      frames += fragment.frames;
    },
  });
  try {
    for await (const chunk of chunks) cutter.push(chunk);
  } catch (error) {
    // A chunk that cannot be read is a failure of the disk; garbage in it is the end of what is whole.
    if ((error as { code?: unknown }).code !== 'invalid_argument' && (error as { code?: unknown }).code !== 'payload_too_large') throw error;
  }
  return { facts, initBytes, wholeBytes, fragments, frames, durationMs: firstMs === undefined ? 0 : endMs - firstMs, keyframes };
}

/** Chapter 8 of the authoring specification: media playlists. */
import type { OutputFacts } from './facts.js';
import { allTracks, each, failed, fileOf, must, notApplicable, passed, type Rule, type Verdict } from './rule.js';

/** As long as a frame of sound of the lowest rate, and the priming that encoders add: less than a viewer can notice. */
const sameS = 0.07;

function compareSound(facts: OutputFacts, measure: (track: OutputFacts['variants'][number]['track']) => number, word: string): Verdict {
  const [main] = facts.variants;
  const others = [...facts.variants.slice(1), ...facts.audio];
  if (main === undefined || others.length === 0) return notApplicable();
  const own = measure(main.track);
  return each(
    others,
    ({ track }) =>
      Math.abs(measure(track) - own) <= sameS ? undefined : `${word} ${measure(track).toFixed(3)} s, of ${main.file} ${own.toFixed(3)} s`,
    fileOf,
  );
}

export const playlistRules: readonly Rule[] = [
  must('RFC 8216 4', 'Every playlist can be read, and every file that it names', ({ faults }) => {
    const [fault] = faults;
    return fault === undefined ? passed : failed(fault.detail, fault.file);
  }),
  must('8.2', 'Sound and picture have the same target duration', (facts) => {
    const [main] = facts.variants;
    const target = main?.playlist.targetDurationS;
    if (main !== undefined && target === undefined) return failed('It names none', main.file);
    return each(
      allTracks(facts),
      ({ playlist }) => (playlist.targetDurationS === target ? undefined : `${playlist.targetDurationS}, in ${main?.file} ${target}`),
      fileOf,
    );
  }),
  must('8.3', 'All playlists last equally long', (facts) => compareSound(facts, ({ durationS }) => durationS, 'Length')),
  must('8.6', 'Playlists say that they are complete: PLAYLIST-TYPE VOD and ENDLIST', (facts) =>
    each(
      [...allTracks(facts), ...facts.subtitles, ...facts.iframes],
      ({ playlist }) => {
        if (playlist.type !== 'VOD') return `The type is ${playlist.type ?? 'missing'}`;
        return playlist.tags.has('EXT-X-ENDLIST') ? undefined : 'It has no end';
      },
      fileOf,
    ),
  ),
  must('8.7', 'All playlists cover the same time', (facts) => compareSound(facts, ({ startS }) => startS, 'Begin')),
];

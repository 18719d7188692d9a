/** Chapters 2, 4 and 5 of the authoring specification: sound, captions, subtitles. */
import { timestampMap } from '../webvtt.js';
import type { OutputFacts, SubtitleFacts } from './facts.js';
import { allTracks, each, failed, fileOf, must, notApplicable, passed, pictures, type Rule, should, type Verdict } from './rule.js';

const stereoKbps = { lc: 160, he: 64 };

function hasSound(facts: OutputFacts): boolean {
  return allTracks(facts).some(({ track }) => track.audio !== undefined);
}

function stereo(facts: OutputFacts): Verdict {
  const tracks = allTracks(facts).filter(({ track }) => track.audio !== undefined);
  if (tracks.length === 0) return notApplicable('Without sound');
  const isFit = tracks.some(({ track }) => track.audio?.codecs.startsWith('mp4a.40.') && (track.audio.channels === 2 || track.audio.channels === 1));
  return isFit ? passed : failed('There is none', tracks[0]?.file);
}

/** Bits per second of the sound alone. */
function soundRate({ track }: ReturnType<typeof allTracks>[number]): number {
  const bytes = track.segments.reduce((sum, { audio, sizeBytes }) => sum + (track.video === undefined ? sizeBytes : (audio?.payloadBytes ?? 0)), 0);
  return track.durationS > 0 ? (bytes * 8) / track.durationS : 0;
}

function mapsToPicture(facts: OutputFacts): Verdict {
  const main = facts.variants[0]?.track;
  const wanted = main === undefined ? undefined : timestampMap(main.startS);
  const segments = facts.subtitles.flatMap((subtitle) => subtitle.segments);
  return each(
    segments,
    ({ text }) => {
      const line = text.split('\n')[1] ?? '';
      if (!line.startsWith('X-TIMESTAMP-MAP=')) return 'It has no X-TIMESTAMP-MAP';
      return wanted === undefined || line === wanted ? undefined : `${line} instead of ${wanted}`;
    },
    fileOf,
  );
}

function coversAll({ playlist }: SubtitleFacts, facts: OutputFacts): string | undefined {
  const durationS = facts.variants[0]?.track.durationS ?? 0;
  const covered = playlist.segments.reduce((sum, segment) => sum + segment.durationS, 0);
  return Math.abs(covered - durationS) <= 0.05 ? undefined : `It covers ${covered.toFixed(3)} s of ${durationS.toFixed(3)} s`;
}

const sdhWords = ['public.accessibility.transcribes-spoken-dialog', 'public.accessibility.describes-music-and-sound'];

/** Tracks for the deaf and hard of hearing: known by name or by one of the words. */
function sdhTracks({ master }: OutputFacts) {
  return master.media.filter(
    (media) =>
      media.get('TYPE') === 'SUBTITLES' &&
      (/\bSDH\b/.test(media.get('NAME') ?? '') || sdhWords.some((word) => media.get('CHARACTERISTICS')?.includes(word))),
  );
}

function sdhRule(rule: string, about: string, holds: (media: ReadonlyMap<string, string>) => boolean): Rule {
  return must(rule, about, (facts) =>
    each(
      sdhTracks(facts),
      (media) => (holds(media) ? undefined : `${media.get('NAME')} does not`),
      () => facts.output.master,
    ),
  );
}

export const soundRules: readonly Rule[] = [
  must('2.3', 'There is sound in AAC of two channels, or of one where the source has one', stereo),
  should('2.9', 'AAC-LC takes at most 160 kbit/s, HE-AAC 64', (facts) =>
    each(
      allTracks(facts).filter(({ track }) => track.audio !== undefined),
      (one) => {
        const limit = one.track.audio?.codecs === 'mp4a.40.2' ? stereoKbps.lc : stereoKbps.he;
        const kbps = soundRate(one) / 1000;
        return kbps <= limit * 1.15 ? undefined : `${kbps.toFixed(0)} kbit/s`;
      },
      fileOf,
    ),
  ),
  must('2.17', 'A segment holds one track of sound', (facts) =>
    each(
      hasSound(facts) ? allTracks(facts) : [],
      ({ track }) => {
        const most = track.video !== undefined && track.audio !== undefined ? 2 : 1;
        const crowded = track.segments.find(({ streams }) => streams > most);
        return crowded === undefined ? undefined : `${crowded.file} holds ${crowded.streams} streams`;
      },
      fileOf,
    ),
  ),
  sdhRule('4.5', 'Captions for the deaf say that they transcribe dialogue and describe sounds', (media) =>
    sdhWords.every((word) => media.get('CHARACTERISTICS')?.includes(word)),
  ),
  sdhRule('4.6', 'Captions for the deaf may be chosen by the system: AUTOSELECT=YES', (media) => media.get('AUTOSELECT') === 'YES'),
  sdhRule('4.7', 'Captions for the deaf name their language', (media) => (media.get('LANGUAGE') ?? '') !== ''),
  must('5.3', 'Each WebVTT segment names its place on the timeline of the picture', mapsToPicture),
  must('5.5', 'Subtitles cover the whole programme', (facts) => each(facts.subtitles, (subtitle) => coversAll(subtitle, facts), fileOf)),
  should('9.5', 'Sound and picture have files of their own', (facts) =>
    each(
      hasSound(facts) ? pictures(facts) : [],
      ({ track }) => (track.audio === undefined ? undefined : 'The sound is in the segments of the picture'),
      fileOf,
    ),
  ),
];

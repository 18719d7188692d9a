/** Tracks of sound and text that a video keeps. */
import type { SourceFacts } from '../../contracts/video.js';
import type { VideoProfile } from '../../contracts/video-profile.js';

export interface PlannedAudio {
  /** File names begin with it: `audio`, then `audio_2` and so on. */
  readonly name: string;
  /** Number of the stream in the source. */
  readonly index: number;
  /** BCP 47 or `und`. */
  readonly language: string;
  /** For people; differs between the tracks of a plan. */
  readonly title: string;
  readonly isDefault: boolean;
  readonly channels: 1 | 2;
  readonly sampleRate: 44_100 | 48_000;
  readonly kbps: number;
  /** Silence before its first sample; negative: so much of its beginning is left out. */
  readonly delayS: number;
}

export interface PlannedSubtitle {
  /** File names begin with it: `subtitles`, then `subtitles_2`. */
  readonly name: string;
  readonly index: number;
  readonly language: string;
  readonly title: string;
  readonly isForced: boolean;
}

/** The default track comes first. `zeroS`: time of the source that the output begins with. */
export function planAudio(facts: SourceFacts, profile: VideoProfile, options: { kbps: number; zeroS: number }): PlannedAudio[] {
  const ordered = [...facts.audio].sort((a, b) => Number(b.is_default) - Number(a.is_default) || a.index - b.index);
  const tracks = ordered.slice(0, profile.audio_tracks === 'first' ? 1 : undefined);
  const titles = uniqueTitles(tracks);
  return tracks.map((track, position) => ({
    name: position === 0 ? 'audio' : `audio_${position + 1}`,
    index: track.index,
    language: languageTag(track.language),
    title: titles[position] ?? '',
    isDefault: position === 0,
    channels: track.channels === 1 ? 1 : 2,
    sampleRate: track.sample_rate === 44_100 ? 44_100 : 48_000,
    // A stereo rate is wasted on one channel; players want 32 to 160 kbit/s.
    kbps: track.channels === 1 ? Math.max(48, Math.round(options.kbps * 0.6)) : options.kbps,
    delayS: (track.start_s ?? options.zeroS) - options.zeroS,
  }));
}

/** Text only: subtitles that are pictures cannot become WebVTT. */
export function planSubtitles(facts: SourceFacts, profile: VideoProfile): PlannedSubtitle[] {
  const tracks = profile.subtitles ? facts.subtitles.filter((track) => track.is_text) : [];
  const titles = uniqueTitles(tracks);
  return tracks.map((track, position) => ({
    name: position === 0 ? 'subtitles' : `subtitles_${position + 1}`,
    index: track.index,
    language: languageTag(track.language),
    title: titles[position] ?? '',
    isForced: track.is_forced,
  }));
}

/** Two-letter codes where BCP 47 wants them; containers carry the three-letter ones. */
export function languageTag(language: string | null): string {
  if (language === null || !/^[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*$/.test(language)) return 'und';
  try {
    return new Intl.Locale(bibliographic[language.toLowerCase()] ?? language).toString();
  } catch {
    return 'und';
  }
}

/** Old codes that locales do not know. */
const bibliographic: Readonly<Record<string, string>> = {
  ger: 'de',
  fre: 'fr',
  dut: 'nl',
  chi: 'zh',
  cze: 'cs',
  gre: 'el',
  per: 'fa',
  rum: 'ro',
  slo: 'sk',
  alb: 'sq',
  arm: 'hy',
  baq: 'eu',
  bur: 'my',
  geo: 'ka',
  ice: 'is',
  mac: 'mk',
  mao: 'mi',
  may: 'ms',
  tib: 'bo',
  wel: 'cy',
};

function uniqueTitles(tracks: readonly { readonly title: string | null; readonly language: string | null }[]): string[] {
  const taken = new Set<string>();
  return tracks.map((track, position) => {
    const wanted = cleanTitle(track.title) || languageName(languageTag(track.language)) || `Track ${position + 1}`;
    let title = wanted;
    for (let count = 2; taken.has(title); count += 1) title = `${wanted} (${count})`;
    taken.add(title);
    return title;
  });
}

/** Titles end up in quoted attributes of playlists, which know no escape. */
function cleanTitle(title: string | null): string {
  return (title ?? '')
    .replace(/["\p{C}]/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
    .slice(0, 80);
}

function languageName(tag: string): string {
  return tag === 'und' ? '' : (new Intl.DisplayNames(['en'], { type: 'language', fallback: 'code' }).of(tag) ?? tag);
}

/** Chapter 1 of the authoring specification: the picture; and what chapters 7 and 8 say of its segments. */
import { frameRateOf } from '../measured-track.js';
import type { OutputFacts, VariantFacts } from './facts.js';
import { allTracks, each, failed, fileOf, must, notApplicable, passed, pictures, type Rule, should, type Verdict } from './rule.js';

const highProfile = 100;
const maxLevel = 52;

/** Profile and level of an `avc1` string; undefined for other codecs. */
function avcLevel(codecs: string): { profile: number; level: number } | undefined {
  const [, profile, level] = /^avc[13]\.([0-9a-f]{2})[0-9a-f]{2}([0-9a-f]{2})$/i.exec(codecs) ?? [];
  return profile === undefined || level === undefined ? undefined : { profile: Number.parseInt(profile, 16), level: Number.parseInt(level, 16) };
}

/** Level, macroblocks per second, macroblocks per frame, kbit/s of the High profile (ITU-T H.264, table A-1). */
const levels: readonly (readonly [level: number, perSecond: number, perFrame: number, kbps: number])[] = [
  [10, 1485, 99, 80],
  [11, 3000, 396, 240],
  [12, 6000, 396, 480],
  [13, 11_880, 396, 960],
  [20, 11_880, 396, 2500],
  [21, 19_800, 792, 5000],
  [22, 20_250, 1620, 5000],
  [30, 40_500, 1620, 12_500],
  [31, 108_000, 3600, 17_500],
  [32, 216_000, 5120, 25_000],
  [40, 245_760, 8192, 25_000],
  [41, 245_760, 8192, 62_500],
  [42, 522_240, 8704, 62_500],
  [50, 589_824, 22_080, 168_750],
  [51, 983_040, 36_864, 300_000],
  [52, 2_073_600, 36_864, 300_000],
];

function neededLevel({ track, variant }: VariantFacts): number {
  const blocks = Math.ceil((track.video?.width ?? 0) / 16) * Math.ceil((track.video?.height ?? 0) / 16);
  const rate = frameRateOf(track) * 0.99;
  const kbps = Number(variant.attributes.get('BANDWIDTH') ?? 0) / 1000;
  return levels.find(([, perSecond, perFrame, max]) => blocks <= perFrame && blocks * rate <= perSecond && kbps <= max)?.[0] ?? maxLevel;
}

function codecOf({ track }: VariantFacts): string {
  return track.video?.codecs ?? '';
}

function frameS({ track }: VariantFacts): number {
  return track.frames > 0 ? track.durationS / track.frames : 0.04;
}

function sameShape(facts: OutputFacts): Verdict {
  const [first, ...others] = pictures(facts).flatMap(({ file, track }) => (track.video === undefined ? [] : [{ file, ...track.video }]));
  if (first === undefined || others.length === 0) return notApplicable();
  // Even sizes cannot have quite the same shape: two pixels either way.
  const isSame = ({ width, height }: { width: number; height: number }) => Math.abs((width * first.height) / first.width - height) <= 2;
  return each(others, (other) => (isSame(other) ? undefined : `${other.width}x${other.height} beside ${first.width}x${first.height}`), fileOf);
}

function alignedBorders(facts: OutputFacts): Verdict {
  const [first, ...others] = pictures(facts);
  if (first === undefined || others.length === 0) return notApplicable();
  const complaint = (other: VariantFacts): string | undefined => {
    const [own, theirs] = [first.track.segments, other.track.segments];
    if (own.length !== theirs.length) return `${theirs.length} segments, ${own.length} in ${first.file}`;
    const tolerance = Math.max(frameS(first), frameS(other)) * 0.75;
    const at = own.findIndex((segment, index) => Math.abs(segment.startS - (theirs[index]?.startS ?? 0)) > tolerance);
    return at < 0 ? undefined : `Segment ${at} begins at ${theirs[at]?.startS.toFixed(3)} s, in ${first.file} at ${own[at]?.startS.toFixed(3)} s`;
  };
  return each(others, complaint, fileOf);
}

/** Every run of EXTINF against real time: the error of a sum is the difference of two accumulated errors. */
function runError({ playlist, track }: Pick<VariantFacts, 'playlist' | 'track'>): number {
  let [sum, least, most] = [0, 0, 0];
  for (const [index, { durationS }] of playlist.segments.entries()) {
    sum += durationS - (track.segments[index]?.durationS ?? 0);
    least = Math.min(least, sum);
    most = Math.max(most, sum);
  }
  return most - least;
}

function decodeTimes(facts: OutputFacts): Verdict {
  const fragmented = allTracks(facts).filter(({ track }) => track.segments[0]?.decode !== undefined);
  return each(
    fragmented,
    ({ track }) => {
      const at = track.segments.findIndex((segment, index) => index > 0 && segment.decode?.start !== track.segments[index - 1]?.decode?.end);
      return at < 0 ? undefined : `${track.segments[at]?.file} does not begin where the segment before it ends`;
    },
    fileOf,
  );
}

export const pictureRules: readonly Rule[] = [
  must('1.2', 'The picture is H.264, H.265 or AV1, the latter two in fragmented MP4', (facts) =>
    each(
      pictures(facts),
      (one) => {
        const codec = codecOf(one);
        if (!/^(?:avc[13]|hvc1|hev1|av01)\./.test(codec)) return `The codec is ${codec}`;
        return codec.startsWith('avc') || one.track.files.init !== undefined ? undefined : `${codec} in MPEG-TS`;
      },
      fileOf,
    ),
  ),
  must('1.3', 'H.264 is at most High profile, level 5.2', (facts) =>
    each(
      pictures(facts).filter((one) => avcLevel(codecOf(one)) !== undefined),
      (one) => {
        const { profile = 0, level = 0 } = avcLevel(codecOf(one)) ?? {};
        return profile <= highProfile && level <= maxLevel ? undefined : `Profile ${profile}, level ${level / 10}`;
      },
      fileOf,
    ),
  ),
  should('1.10', 'Parameter sets stand in the sample description: avc1 and hvc1', (facts) =>
    each(pictures(facts), (one) => (/^(?:avc3|hev1)/.test(codecOf(one)) ? codecOf(one) : undefined), fileOf),
  ),
  should('1.11', 'The level is no higher than the picture needs', (facts) =>
    each(
      pictures(facts).filter((one) => avcLevel(codecOf(one)) !== undefined),
      (one) => {
        const [level, needed] = [avcLevel(codecOf(one))?.level ?? 0, neededLevel(one)];
        return level <= needed ? undefined : `Level ${level / 10} where ${needed / 10} suffices`;
      },
      fileOf,
    ),
  ),
  should('1.13', 'A keyframe comes every two seconds', (facts) =>
    each(
      pictures(facts),
      ({ track }) => {
        const times = [...track.segments.flatMap(({ syncTimes }) => syncTimes), track.startS + track.durationS];
        const longest = times.reduce((most, time, index) => Math.max(most, time - (times[index - 1] ?? track.startS)), 0);
        return longest <= 2.1 ? undefined : `${longest.toFixed(2)} s without one`;
      },
      fileOf,
    ),
  ),
  must('1.14', 'The picture is progressive', (facts) =>
    each(pictures(facts), ({ track }) => (track.video?.isProgressive === false ? 'It is interlaced' : undefined), fileOf),
  ),
  must('1.19', 'At most 60 frames a second', (facts) =>
    each(pictures(facts), ({ track }) => (frameRateOf(track) <= 60.1 ? undefined : `${frameRateOf(track)} frames a second`), fileOf),
  ),
  should('1.33', 'All renditions have the same shape', sameShape),
  must('7.3', 'A fragment begins at the decoding time where the one before it ends', decodeTimes),
  must('7.4', 'Each segment begins with an IDR picture and needs no other segment', (facts) =>
    each(
      pictures(facts),
      ({ track }) => {
        const segment = track.segments.find(({ isIndependent }) => !isIndependent);
        return segment === undefined ? undefined : `${segment.file} does not`;
      },
      fileOf,
    ),
  ),
  should('7.5', 'The target duration is six seconds', (facts) => {
    const [first] = facts.variants;
    if (first === undefined) return notApplicable();
    return first.playlist.targetDurationS === 6 ? passed : failed(`It is ${first.playlist.targetDurationS}`, first.file);
  }),
  should('7.6', 'Segments last six seconds', (facts) =>
    each(
      pictures(facts).filter(({ track }) => track.segments.length > 1),
      ({ track }) => {
        const odd = track.segments.slice(0, -1).find(({ durationS }) => Math.abs(durationS - 6) > 0.1);
        return odd === undefined ? undefined : `${odd.file} lasts ${odd.durationS.toFixed(3)} s`;
      },
      fileOf,
    ),
  ),
  must('7.7', 'No segment lasts half a second longer than the target duration', (facts) =>
    each(
      allTracks(facts),
      ({ playlist, track }) => {
        const target = playlist.targetDurationS ?? 0;
        const long = track.segments.find(({ durationS }) => durationS > target + 0.5);
        return long === undefined ? undefined : `${long.file} lasts ${long.durationS.toFixed(3)} s, the target is ${target}`;
      },
      fileOf,
    ),
  ),
  must('8.1', 'Any run of EXTINF tells real time within one frame', (facts) =>
    each(
      allTracks(facts),
      (one) => {
        const [error, frame] = [runError(one), one.track.frames > 0 ? one.track.durationS / one.track.frames : 0.04];
        return error <= frame ? undefined : `It is wrong by ${(error * 1000).toFixed(0)} ms`;
      },
      fileOf,
    ),
  ),
  must('RFC 8216 6.2.4', 'Segments of all renditions begin at the same times', alignedBorders),
];

/** Chapter 9 of the authoring specification, and what chapters 1 and 8 say of the multivariant playlist. */
import { bandwidthOf, type MeasuredTrack } from '../measured-track.js';
import { orderVariants } from '../multivariant.js';
import type { OutputFacts, VariantFacts } from './facts.js';
import { each, failed, fileOf, must, notApplicable, passed, pictures, type Rule, should, type Verdict } from './rule.js';

interface Rates {
  readonly peak: number;
  readonly average: number;
}

function ratesOf(track: MeasuredTrack, targetDurationS: number | undefined): Rates {
  return bandwidthOf(track.segments, targetDurationS ?? 6);
}

/** Measured: the variant with the heaviest sound and text that play along. */
function together(facts: OutputFacts, { track, playlist }: VariantFacts): Rates {
  const target = playlist.targetDurationS;
  const groups = [
    facts.audio.filter(({ file }) => file !== track.files.playlist).map((one) => ratesOf(one.track, target)),
    facts.subtitles.map((one) =>
      bandwidthOf(
        one.segments.map(({ sizeBytes }, index) => ({ sizeBytes, durationS: one.playlist.segments[index]?.durationS ?? 0 })),
        one.playlist.targetDurationS ?? 6,
      ),
    ),
  ];
  const own = ratesOf(track, target);
  const heaviest = (field: keyof Rates) => groups.reduce((sum, rates) => sum + Math.max(0, ...rates.map((rate) => rate[field])), own[field]);
  return { peak: heaviest('peak'), average: heaviest('average') };
}

function declared({ variant }: Pick<VariantFacts, 'variant'>, name: string): number | undefined {
  const value = Number(variant.attributes.get(name) ?? Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}

function within(facts: OutputFacts, name: string, field: keyof Rates): Verdict {
  return each(
    facts.variants,
    (one) => {
      const [said, real] = [declared(one, name), together(facts, one)[field]];
      if (said === undefined) return `${name} is missing`;
      return Math.abs(said - real) <= real * 0.1 ? undefined : `${name} is ${said}, measured ${real}`;
    },
    fileOf,
  );
}

/** Every listed line has the attribute, and it says what is true. */
function tells(rule: string, about: string, name: string, truth: (facts: VariantFacts) => string | undefined): Rule {
  return must(rule, about, (facts) =>
    each(
      truthful(facts, name),
      (one) => {
        const [said, real] = [one.variant.attributes.get(name), truth(one)];
        if (said === undefined) return `${name} is missing`;
        return real === undefined || said === real ? undefined : `${name} is ${said}, measured ${real}`;
      },
      fileOf,
    ),
  );
}

/** Sound alone has no size and no frame rate. */
function truthful(facts: OutputFacts, name: string): readonly VariantFacts[] {
  return name === 'RESOLUTION' || name === 'FRAME-RATE' ? pictures(facts) : facts.variants;
}

function iframeTells(rule: string, about: string, name: string, truth: (track: MeasuredTrack) => string | undefined): Rule {
  return must(rule, about, (facts) =>
    each(
      facts.iframes,
      ({ line, source }) => {
        const [said, real] = [line.attributes.get(name), source === undefined ? undefined : truth(source.track)];
        if (said === undefined) return `${name} is missing`;
        return real === undefined || said === real ? undefined : `${name} is ${said}, measured ${real}`;
      },
      fileOf,
    ),
  );
}

function sizeOf({ video }: MeasuredTrack): string | undefined {
  return video === undefined ? undefined : `${video.width}x${video.height}`;
}

function severalRates(facts: OutputFacts): Verdict {
  const renditions = facts.output.renditions.filter(({ width }) => width !== null);
  if (renditions.length < 2) return notApplicable('The source or its profile gives one rendition');
  const rates = new Set(facts.master.variants.map(({ attributes }) => attributes.get('BANDWIDTH')));
  return rates.size > 1 ? passed : failed('There is one', facts.output.master);
}

function firstVariant(facts: OutputFacts): Verdict {
  const rates = facts.variants.map((one) => ({
    file: one.file,
    bandwidth: declared(one, 'BANDWIDTH') ?? 0,
    averageBandwidth: declared(one, 'AVERAGE-BANDWIDTH') ?? 0,
  }));
  if (rates.length < 2) return notApplicable('One variant');
  const [wanted] = orderVariants(rates);
  return wanted?.file === rates[0]?.file ? passed : failed(`${wanted?.file} is nearer to 2 Mbit/s`, facts.output.master);
}

function independent(facts: OutputFacts): Verdict {
  if (facts.master.tags.has('EXT-X-INDEPENDENT-SEGMENTS')) return passed;
  return each(facts.variants, ({ playlist }) => (playlist.tags.has('EXT-X-INDEPENDENT-SEGMENTS') ? undefined : 'Neither says it'), fileOf);
}

function namesRange(facts: OutputFacts): Verdict {
  const all = pictures(facts);
  const isPlain = all.every(({ track, variant }) => track.video?.range === 'SDR' && !variant.attributes.has('VIDEO-RANGE'));
  if (isPlain) return all.length === 0 ? notApplicable('Without a picture') : passed;
  return each(
    all,
    ({ track, variant }) => {
      const said = variant.attributes.get('VIDEO-RANGE');
      return said === track.video?.range ? undefined : `VIDEO-RANGE is ${said ?? 'missing'}, measured ${track.video?.range}`;
    },
    fileOf,
  );
}

function mobile(facts: OutputFacts): Verdict {
  const least = Math.min(...facts.variants.map((one) => declared(one, 'BANDWIDTH') ?? Number.POSITIVE_INFINITY));
  if (least <= 192_000) return passed;
  return notApplicable(`It holds for programs sold for mobile networks; the smallest variant peaks at ${Math.round(least / 1000)} kbit/s`);
}

function topTwice(facts: OutputFacts): Verdict {
  const heights = pictures(facts).map(({ track }) => Math.min(track.video?.width ?? 0, track.video?.height ?? 0));
  const top = Math.max(0, ...heights);
  if (top < 720) return notApplicable('Below 720p');
  return heights.filter((height) => height === top).length > 1 ? passed : failed('There is one', facts.output.master);
}

export const multivariantRules: readonly Rule[] = [
  must('1.26', 'AVERAGE-BANDWIDTH is within a tenth of what was measured', (facts) => within(facts, 'AVERAGE-BANDWIDTH', 'average')),
  must('1.27', 'BANDWIDTH is within a tenth of the measured peak', (facts) => within(facts, 'BANDWIDTH', 'peak')),
  should('1.30', 'The peak is at most twice the average', (facts) =>
    each(
      facts.variants,
      (one) => {
        const { peak, average } = together(facts, one);
        return peak <= average * 2 ? undefined : `${peak} against ${average} bits a second`;
      },
      fileOf,
    ),
  ),
  should('1.32', 'The first variant is the one nearest to 2 Mbit/s', firstVariant),
  must('8.10', 'Every rendition of sound and text names its language', (facts) =>
    each(
      facts.master.media.filter((media) => media.get('TYPE') !== 'VIDEO'),
      (media) => ((media.get('LANGUAGE') ?? '') === '' ? `${media.get('NAME')} names none` : undefined),
      () => facts.output.master,
    ),
  ),
  must('9.1', 'Variants tell their codecs, which are those of the streams', (facts) =>
    each(
      facts.variants,
      ({ track, variant }) => {
        const real = [track.video?.codecs, track.audio?.codecs, ...facts.audio.map((one) => one.track.audio?.codecs)].filter(
          (one) => one !== undefined,
        );
        const said = (variant.attributes.get('CODECS') ?? '').split(',');
        const isTrue = real.every((codec) => said.includes(codec)) && said.every((codec) => real.includes(codec));
        return isTrue ? undefined : `CODECS is ${said.join(',')}, measured ${[...new Set(real)].join(',')}`;
      },
      fileOf,
    ),
  ),
  tells('9.2', 'Variants tell their size', 'RESOLUTION', ({ track }) => sizeOf(track)),
  iframeTells('9.3', 'I-frame variants tell their codecs', 'CODECS', ({ video }) => video?.codecs),
  iframeTells('9.4', 'I-frame variants tell their size', 'RESOLUTION', sizeOf),
  must('9.9', 'There are several bit rates', severalRates),
  should('9.10', 'The highest resolution is there at two bit rates', topTwice),
  should('9.11', 'The multivariant playlist says that segments are independent', ({ master, output }) =>
    master.tags.has('EXT-X-INDEPENDENT-SEGMENTS') ? passed : failed('It does not', output.master),
  ),
  must('9.12', 'That segments are independent is said there, or in every media playlist', independent),
  must('9.13', 'BANDWIDTH suffices for the variant with the heaviest sound and text', (facts) =>
    each(
      facts.variants,
      (one) => {
        const [said, real] = [declared(one, 'BANDWIDTH') ?? 0, together(facts, one).peak];
        return said >= real * 0.99 ? undefined : `BANDWIDTH is ${said}, together they need ${real}`;
      },
      fileOf,
    ),
  ),
  tells('9.14', 'Variants tell their average bit rate', 'AVERAGE-BANDWIDTH', () => undefined),
  must('9.15', 'Variants tell their frame rate', (facts) =>
    each(
      pictures(facts),
      (one) => {
        const said = declared(one, 'FRAME-RATE');
        const real = one.track.durationS > 0 ? one.track.frames / one.track.durationS : 0;
        if (said === undefined) return 'FRAME-RATE is missing';
        return Math.abs(said - real) <= Math.max(0.01, real * 0.005) ? undefined : `FRAME-RATE is ${said}, measured ${real.toFixed(3)}`;
      },
      fileOf,
    ),
  ),
  must('9.16', 'Variants tell their range of brightness unless all are SDR', namesRange),
  must('9.21', 'One variant peaks at 192 kbit/s or less, for mobile networks', mobile),
];

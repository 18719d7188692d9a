/** The steps of the ladder that a source gets, with their exact sizes. */
import { WeirError } from '../../contracts/errors.js';
import { type Rendition, standardRenditions, type VideoProfile } from '../../contracts/video-profile.js';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

export interface LadderStep extends PictureSize {
  readonly step: Rendition;
}

/** A source so little below a step is not worth the loss to the next: it gets the step at its own size. */
const nearlyThere = 0.92;

/** No encoder level and no player takes longer sides. */
const longestSide = 8192;

/** The steps that are asked for, from high to low. Throws `invalid_argument` for one that neither the profile nor the standard ladder has. */
export function chooseSteps(profile: VideoProfile, quality: readonly string[] | null | undefined): Rendition[] {
  const standard: Readonly<Record<string, Rendition>> = standardRenditions;
  const names = quality === null || quality === undefined || quality.length === 0 ? undefined : [...new Set(quality)];
  const steps = names?.map((name) => {
    const step = profile.renditions.find((known) => known.name === name) ?? (Object.hasOwn(standard, name) ? standard[name] : undefined);
    if (step === undefined) {
      const known = [...new Set([...profile.renditions.map((each) => each.name), ...Object.keys(standard)])];
      throw new WeirError('invalid_argument', `No step of the ladder is called ${JSON.stringify(name)}`, {
        field: 'quality',
        received: name,
        hint: `Choose from ${known.join(', ')}`,
      });
    }
    return step;
  });
  return [...(steps ?? profile.renditions)].sort((a, b) => b.height - a.height || b.video_kbps - a.video_kbps);
}

/** Never above the source. When every step is, the lowest of them is made at the source's size. */
export function fitLadder(steps: readonly Rendition[], source: PictureSize): LadderStep[] {
  const short = Math.min(source.width, source.height);
  const fitting = steps.filter((step) => step.height * nearlyThere <= short);
  // Of several steps just above the source, those of the lowest height would all become the source's own size: that is wanted for
  // different codecs, and for the same codec at several rates.
  const kept = fitting.length > 0 ? fitting : steps.slice(-1);
  return kept.map((step) => ({ step, ...scaledTo(source, Math.min(step.height, short)) }));
}

/** The size with this short side: even, of the source's shape, never larger than the source. */
export function scaledTo(source: PictureSize, shortSide: number): PictureSize {
  const factor = Math.min(1, shortSide / Math.min(source.width, source.height), longestSide / Math.max(source.width, source.height));
  return { width: even(source.width * factor), height: even(source.height * factor) };
}

function even(pixels: number): number {
  // 853.33 of 16:9 at 480 is 854 everywhere; a source of odd size loses its last row rather than being enlarged.
  const exact = Math.abs(pixels - Math.round(pixels)) < 1e-6;
  return Math.max(2, 2 * (exact ? Math.floor(Math.round(pixels) / 2) : Math.round(pixels / 2)));
}

/** The lowest level of a video standard that a rendition fits into: players refuse what claims more than they can. */

export interface CodedVideo {
  readonly width: number;
  readonly height: number;
  readonly framesPerS: number;
  readonly maxKbps: number;
}

/** H.264 table A-1: level, macroblocks per second, macroblocks per frame, kbit/s of the Main profile. */
const h264Levels: readonly (readonly [string, number, number, number])[] = [
  ['1.0', 1485, 99, 64],
  ['1.1', 3000, 396, 192],
  ['1.2', 6000, 396, 384],
  ['1.3', 11_880, 396, 768],
  ['2.0', 11_880, 396, 2000],
  ['2.1', 19_800, 792, 4000],
  ['2.2', 20_250, 1620, 4000],
  ['3.0', 40_500, 1620, 10_000],
  ['3.1', 108_000, 3600, 14_000],
  ['3.2', 216_000, 5120, 20_000],
  ['4.0', 245_760, 8192, 20_000],
  ['4.1', 245_760, 8192, 50_000],
  ['4.2', 522_240, 8704, 50_000],
  ['5.0', 589_824, 22_080, 135_000],
  ['5.1', 983_040, 36_864, 240_000],
  ['5.2', 2_073_600, 36_864, 240_000],
  ['6.0', 4_177_920, 139_264, 240_000],
  ['6.1', 8_355_840, 139_264, 480_000],
  ['6.2', 16_711_680, 139_264, 800_000],
];

/** Level of the High profile, whose bit rates are a quarter above those of Main. Undefined: no level is enough. */
export function h264Level(video: CodedVideo): string | undefined {
  const columns = Math.ceil(video.width / 16);
  const rows = Math.ceil(video.height / 16);
  const frame = columns * rows;
  const fits = ([, perS, perFrame, kbps]: readonly [string, number, number, number]): boolean =>
    frame <= perFrame &&
    // A long thin picture needs a level whose frames are larger than its area.
    Math.max(columns, rows) <= Math.sqrt(8 * perFrame) &&
    frame * video.framesPerS <= perS &&
    video.maxKbps <= kbps * 1.25;
  return h264Levels.find(fits)?.[0];
}

/** H.265 table A.8 and A.9, main tier: level, luma samples per second, luma samples per picture, kbit/s. */
const h265Levels: readonly (readonly [string, number, number, number])[] = [
  ['2.0', 3_686_400, 122_880, 1500],
  ['2.1', 7_372_800, 245_760, 3000],
  ['3.0', 16_588_800, 552_960, 6000],
  ['3.1', 33_177_600, 983_040, 10_000],
  ['4.0', 66_846_720, 2_228_224, 12_000],
  ['4.1', 133_693_440, 2_228_224, 20_000],
  ['5.0', 267_386_880, 8_912_896, 25_000],
  ['5.1', 534_773_760, 8_912_896, 40_000],
  ['5.2', 1_069_547_520, 8_912_896, 60_000],
  ['6.0', 1_069_547_520, 35_651_584, 60_000],
  ['6.1', 2_139_095_040, 35_651_584, 120_000],
  ['6.2', 4_278_190_080, 35_651_584, 240_000],
];

/** Level of the Main profile, main tier. Undefined: no level is enough. */
export function h265Level(video: CodedVideo): string | undefined {
  const samples = video.width * video.height;
  const side = Math.max(video.width, video.height);
  return h265Levels.find(
    ([, perS, perPicture, kbps]) =>
      samples <= perPicture && side <= Math.sqrt(8 * perPicture) && samples * video.framesPerS <= perS && video.maxKbps <= kbps,
  )?.[0];
}

/** The storyboard: small pictures on sheets, and the WebVTT that says which is where. */
import { formatVtt } from '../hls/webvtt.js';

export const tileWidth = 160;
/** Tiles in a row and in a column of a full sheet. */
const gridColumns = 10;
const gridRows = 10;

export interface StoryboardPlan {
  /** Every so manieth keyframe becomes a tile. */
  readonly step: number;
  /** Seconds at which each tile begins to stand for the video. */
  readonly times: readonly number[];
  readonly tileHeight: number;
  readonly columns: number;
  readonly rows: number;
  readonly sheets: number;
}

/** Wished distance of tiles: dense for what is short, and never more than a player can show; seconds. */
function wantedInterval(durationS: number): number {
  if (durationS <= 120) return 1;
  if (durationS <= 900) return 5;
  return durationS <= 7200 ? 10 : 20;
}

/** Tiles at keyframes, whose times are given from 0. Undefined without any. */
export function planStoryboard(
  keyframes: readonly number[],
  video: { readonly width: number; readonly height: number; readonly durationS: number },
): StoryboardPlan | undefined {
  if (keyframes.length === 0) return undefined;
  const distance = video.durationS / keyframes.length;
  const step = Math.max(1, Math.round(wantedInterval(video.durationS) / distance));
  const times = keyframes.filter((_time, index) => index % step === 0);
  const columns = Math.min(gridColumns, times.length);
  const rows = Math.min(gridRows, Math.ceil(times.length / columns));
  // Even, as the picture's colours are.
  const tileHeight = Math.max(2, Math.round((tileWidth * video.height) / video.width / 2) * 2);
  return { step, times, tileHeight, columns, rows, sheets: Math.ceil(times.length / (columns * rows)) };
}

/** Name of a sheet; the first has number 1. */
export function sheetFile(number: number): string {
  return `storyboard_${number}.jpg`;
}

/** Cues back to back over the whole video, each naming a rectangle of a sheet. */
export function formatStoryboardVtt(plan: StoryboardPlan, durationS: number): string {
  const perSheet = plan.columns * plan.rows;
  const cues = plan.times.map((time, index) => {
    const place = index % perSheet;
    const [x, y] = [(place % plan.columns) * tileWidth, Math.floor(place / plan.columns) * plan.tileHeight];
    const startS = index === 0 ? 0 : time;
    const endS = Math.max(plan.times[index + 1] ?? durationS, startS + 0.001);
    const textLine = `${sheetFile(Math.floor(index / perSheet) + 1)}#xywh=${x},${y},${tileWidth},${plan.tileHeight}`;
    return { startS, endS, settings: '', identifier: '', text: textLine };
  });
  return formatVtt({ head: [], cues });
}

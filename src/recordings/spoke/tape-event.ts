/** What happens to the recorder of one stream, as data: `StreamTape` queues it, `TapeWriter` takes it. */
import type { PreRoll, StoredFragment } from '../../bus/index.js';
import type { GapCause, RecordingOrder } from '../../contracts/index.js';

export type SourceState =
  | { readonly is: 'on'; readonly epoch: string; readonly init: Uint8Array }
  | { readonly is: 'off'; readonly cause: GapCause; readonly detail?: string | undefined };

export type TapeEvent =
  /** Something is due: the source as it is, and what is in memory of it. */
  | {
      readonly is: 'on';
      readonly orders: readonly RecordingOrder[];
      readonly source: SourceState;
      readonly preRoll: readonly PreRoll[];
      readonly ageMs: number;
      readonly atMs: number;
    }
  | { readonly is: 'source'; readonly source: SourceState }
  | { readonly is: 'fragment'; readonly fragment: StoredFragment; readonly arrivedMs: number }
  /** What is to be recorded, now and later. */
  | { readonly is: 'orders'; readonly orders: readonly RecordingOrder[]; readonly atMs: number }
  /** Time or storage may want something else. */
  | { readonly is: 'look'; readonly atMs: number }
  /** The clock was set by so much. */
  | { readonly is: 'jump'; readonly byMs: number }
  /** What follows has a hole before it: the disk was too slow. */
  | { readonly is: 'overflow' }
  /** The hole is over; so many fragments are missing. */
  | { readonly is: 'overflow_over'; readonly lost: number }
  /** Look whether the file is still where it was. */
  | { readonly is: 'check' }
  | { readonly is: 'end' };

/** True for what may end in a file: what comes after it is shown when it is there. */
export function bringsPictures(event: TapeEvent): boolean {
  return event.is === 'fragment' || event.is === 'on';
}

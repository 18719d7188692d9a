/** The rules of the HLS authoring specification that a machine can check, tried on the files of an output. */
import { WeirError } from '../../contracts/errors.js';
import type { VideoOutput, VideoReport } from '../../contracts/video.js';

/** How the server delivers one file: for the rules about HTTP. */
export type Delivery = (file: string) => Promise<{ readonly status: number; readonly contentType: string; readonly contentEncoding: string }>;

export interface ValidateOptions {
  /** Without it the rules about HTTP are `not_applicable`. */
  readonly delivery?: Delivery;
  readonly signal?: AbortSignal | undefined;
}

/** Never throws for a bad output: that is what the rules say. Throws `not_found` when the folder is not there. */
export async function validateOutput(_folder: string, _output: VideoOutput, _options: ValidateOptions = {}): Promise<VideoReport['rules']> {
  throw new WeirError('unavailable', 'Not written yet');
}

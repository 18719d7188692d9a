/** The rules of the HLS authoring specification that a machine can check, tried on the files of an output. */
import type { VideoOutput, VideoReport } from '../../contracts/video.js';
import { checkDelivery } from './rules/delivery-rules.js';
import { type Delivery, loadOutput } from './rules/facts.js';
import { iframeRules } from './rules/iframe-rules.js';
import { multivariantRules } from './rules/multivariant-rules.js';
import { pictureRules } from './rules/picture-rules.js';
import { playlistRules } from './rules/playlist-rules.js';
import type { Rule } from './rules/rule.js';
import { soundRules } from './rules/sound-rules.js';

export interface ValidateOptions {
  /** Without it the rules about HTTP are `not_applicable`. */
  readonly delivery?: Delivery | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** All rules on files, in the order of the specification. */
export const hlsRules: readonly Rule[] = [...pictureRules, ...soundRules, ...iframeRules, ...playlistRules, ...multivariantRules].sort((a, b) =>
  byNumber(a.rule, b.rule),
);

/** `1.9` before `1.10`. A collator could do it too, but the first one of a process opens 3 MB, and this runs whenever the module is loaded. */
function byNumber(a: string, b: string): number {
  const [mine, other] = [partsOf(a), partsOf(b)];
  const at = mine.findIndex((part, index) => part !== other[index]);
  if (at < 0) return mine.length - other.length;
  const [left = '', right = ''] = [mine[at], other[at]];
  return Number(left) - Number(right) || (left < right ? -1 : 1);
}

function partsOf(rule: string): readonly string[] {
  return rule.match(/\d+|\D+/g) ?? [];
}

/**
 * One result per rule. A bad output is never thrown: that is what the results say. Throws `not_found` when the folder is not there, and
 * what `signal` is aborted with.
 */
export async function validateOutput(folder: string, output: VideoOutput, options: ValidateOptions = {}): Promise<VideoReport['rules']> {
  const facts = await loadOutput(folder, output, options);
  const rules = hlsRules.map(({ rule, level, about, check }) => ({ rule, level, about, ...check(facts) }));
  return [...rules, ...(await checkDelivery(facts))];
}

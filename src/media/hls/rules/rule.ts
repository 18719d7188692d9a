/** The shape of a rule, and how its verdicts are made. */
import type { OutputFacts } from './facts.js';

export type Verdict =
  | { readonly result: 'passed' | 'not_applicable'; readonly detail?: string }
  | { readonly result: 'failed'; readonly detail: string; readonly file?: string };

export interface Rule {
  /** Number in the HLS authoring specification, or of the RFC's section. */
  readonly rule: string;
  readonly level: 'must' | 'should';
  /** What it asks for, in one sentence. */
  readonly about: string;
  readonly check: (facts: OutputFacts) => Verdict;
}

export const passed: Verdict = { result: 'passed' };

export function notApplicable(detail?: string): Verdict {
  return detail === undefined ? { result: 'not_applicable' } : { result: 'not_applicable', detail };
}

export function failed(detail: string, file?: string): Verdict {
  return file === undefined ? { result: 'failed', detail } : { result: 'failed', detail, file };
}

export function must(rule: string, about: string, check: Rule['check']): Rule {
  return { rule, level: 'must', about, check };
}

export function should(rule: string, about: string, check: Rule['check']): Rule {
  return { rule, level: 'should', about, check };
}

/** Fails with the first complaint; `not_applicable` without items. */
export function each<I>(
  items: readonly I[],
  complaint: (item: I, index: number) => string | undefined,
  fileOf: (item: I) => string | undefined,
): Verdict {
  for (const [index, item] of items.entries()) {
    const detail = complaint(item, index);
    if (detail !== undefined) return failed(detail, fileOf(item));
  }
  return items.length === 0 ? notApplicable() : passed;
}

export function fileOf(item: { readonly file: string }): string {
  return item.file;
}

/** Variants with a picture. */
export function pictures(facts: OutputFacts) {
  return facts.variants.filter(({ track }) => track.video !== undefined);
}

/** Variants and audio renditions: everything that is measured. */
export function allTracks(facts: OutputFacts) {
  return [...facts.variants, ...facts.audio];
}

/** What must be done so that the paths that exist are the paths that should. Pure. */
import type { MtxPathConfig } from './client.js';
import type { PathConfig } from './path-config.js';

export type PathStep =
  | { readonly kind: 'put'; readonly name: string; readonly why: 'new' | 'changed' | 'drifted' }
  | { readonly kind: 'delete'; readonly name: string };

export interface PlanInput {
  /** Name to the text of the configuration it should have. */
  readonly wanted: ReadonlyMap<string, string>;
  /** Name to the text that this run of MediaMTX was last given; empty after a restart. */
  readonly given: ReadonlyMap<string, string>;
  readonly existing: ReadonlySet<string>;
  /** Paths that somebody else changed since. */
  readonly drifted: ReadonlySet<string>;
  /** Whether a path that nobody wants is ours to remove. */
  readonly isOurs: (name: string) => boolean;
}

/** Removals first: a device must be let go before another path opens it. */
export function planPaths({ wanted, given, existing, drifted, isOurs }: PlanInput): PathStep[] {
  const steps: PathStep[] = [];
  for (const name of existing) if (!wanted.has(name) && isOurs(name)) steps.push({ kind: 'delete', name });
  for (const [name, text] of wanted) {
    if (!existing.has(name)) steps.push({ kind: 'put', name, why: 'new' });
    else if (given.get(name) !== text) steps.push({ kind: 'put', name, why: 'changed' });
    else if (drifted.has(name)) steps.push({ kind: 'put', name, why: 'drifted' });
  }
  return steps;
}

/** Paths whose main fields are not what they were given. */
export function driftOf(configs: readonly MtxPathConfig[], wanted: ReadonlyMap<string, string>): Set<string> {
  const drifted = new Set<string>();
  for (const config of configs) {
    const text = wanted.get(config.name);
    if (text === undefined) continue;
    const { source, record, ...rest } = JSON.parse(text) as PathConfig;
    const command = 'runOnDemand' in rest ? rest.runOnDemand : '';
    if (config.source !== source || config.runOnDemand !== command || config.record !== record) drifted.add(config.name);
  }
  return drifted;
}

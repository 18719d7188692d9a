/** What has to be done so that a spoke serves exactly what it was assigned. Pure. */
import type { SpokeAssignment } from '../../contracts/agent.js';
import type { StreamConfig } from '../../contracts/stream.js';

export type AssignedStream = SpokeAssignment['streams'][number];

/** What is served now. */
export interface ServedStream {
  readonly streamId: string;
  /** Undefined for a fixed stream that was never configured. */
  readonly config: StreamConfig | undefined;
  readonly isActive: boolean;
  /** Given by the hub; a fixed stream that the hub never named is none of its business. */
  readonly isAssigned: boolean;
  /** Stays open for commands when the hub takes it away. */
  readonly isFixed: boolean;
}

export type AssignmentStep =
  | { readonly do: 'close'; readonly streamId: string }
  | { readonly do: 'open'; readonly streamId: string }
  | { readonly do: 'stop'; readonly streamId: string }
  | { readonly do: 'start' | 'configure'; readonly streamId: string; readonly config: StreamConfig; readonly revision: number };

/** Frees first, so that a device can pass from one stream to another within one assignment. */
export function planAssignment(served: readonly ServedStream[], assigned: readonly AssignedStream[]): AssignmentStep[] {
  const wanted = new Map(assigned.map((one) => [one.stream_id, one]));
  const present = new Map(served.map((one) => [one.streamId, one]));
  const frees: AssignmentStep[] = [];
  for (const { streamId, isAssigned, isActive, isFixed } of served) {
    const want = wanted.get(streamId);
    if (want === undefined && isAssigned && !isFixed) frees.push({ do: 'close', streamId });
    else if (isActive && (want === undefined ? isAssigned : want.desired === 'stopped')) frees.push({ do: 'stop', streamId });
  }
  const makes = [...wanted.values()].flatMap((want) => stepsFor(want, present.get(want.stream_id)));
  return [...frees, ...makes];
}

function stepsFor({ stream_id: streamId, config, desired, revision }: AssignedStream, served: ServedStream | undefined): AssignmentStep[] {
  const steps: AssignmentStep[] = served === undefined ? [{ do: 'open', streamId }] : [];
  const isDifferent = served?.config === undefined || !isSameConfig(served.config, config);
  if (desired === 'running' && served?.isActive !== true) steps.push({ do: 'start', streamId, config, revision });
  else if (isDifferent || served?.isAssigned !== true) steps.push({ do: 'configure', streamId, config, revision });
  return steps;
}

/** Same fields with the same values, in whatever order. */
export function isSameConfig(a: StreamConfig, b: StreamConfig): boolean {
  return canonical(a) === canonical(b);
}

function canonical(config: StreamConfig): string {
  const entries = Object.entries(config).filter(([, value]) => value !== undefined);
  return JSON.stringify(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}

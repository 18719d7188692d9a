/** What the program inside the machine with cameras tells the test outside. */
import type { Device } from '../contracts/index.js';

export const stepNames = ['plug', 'controls', 'rights', 'unplug', 'replug', 'picture', 'loss', 'recording', 'gateway', 'end'] as const;
export type StepName = (typeof stepNames)[number];

export interface MachineStep {
  readonly name: StepName;
  /** Set when the step failed. */
  readonly error?: string;
  readonly devices?: readonly Device[];
  /** From the kernel's change to the event on the bus. */
  readonly tookMs?: readonly number[];
  /** Whatever else is to be looked at. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

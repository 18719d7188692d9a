/** Sets controls of a V4L2 node, after a check against what the driver says of them. */
import { WeirError } from '../../contracts/errors.js';
import { probeV4l2 } from './probe.js';
import type { V4l2Control } from './report.js';
import { runV4l2Ctl, type V4l2RunOptions, whyUnusable } from './run.js';

export type ControlValue = number | boolean | string;

/**
 * The argument of `v4l2-ctl --set-ctrl` for each control, in an order that works: what switches an automatism comes before the value
 * that the automatism holds. Throws `invalid_argument` naming each control that is unknown, may not be set, or got a value that it does
 * not take; then nothing is to be set.
 */
export function controlArgs(controls: readonly V4l2Control[], values: Readonly<Record<string, ControlValue>>): string[] {
  const errors: { field: string; message: string; received: unknown }[] = [];
  const assignments: { name: string; text: string }[] = [];
  for (const [name, value] of Object.entries(values)) {
    const control = controls.find((one) => one.name === name);
    const result = control === undefined ? { problem: 'is no control of this device' } : checkValue(control, value);
    if ('problem' in result) errors.push({ field: `controls.${name}`, message: result.problem, received: value });
    else assignments.push({ name, text: result.text });
  }
  const [first] = errors;
  if (first !== undefined) throw new WeirError('invalid_argument', `${first.field} ${first.message}`, { errors });
  return assignments.sort((a, b) => Number(isSwitch(b.name)) - Number(isSwitch(a.name))).map(({ name, text }) => `${name}=${text}`);
}

function isSwitch(name: string): boolean {
  return /auto/.test(name);
}

type Checked = { readonly text: string } | { readonly problem: string };

function checkValue(control: V4l2Control, value: ControlValue): Checked {
  if (control.flags?.includes('read-only') === true) return { problem: 'can only be read' };
  if (control.flags?.includes('disabled') === true) return { problem: 'is switched off by the driver' };
  switch (control.type) {
    case 'button':
      return value === false || value === 0 ? { problem: 'is a button: send true' } : { text: '1' };
    case 'bool':
      return checkSwitch(value);
    case 'menu':
    case 'intmenu':
      return checkChoice(control, value);
    case 'str':
      return checkText(control, value);
    default:
      return checkNumber(control, value);
  }
}

function checkSwitch(value: ControlValue): Checked {
  if (value === true || value === 1) return { text: '1' };
  return value === false || value === 0 ? { text: '0' } : { problem: 'must be true or false' };
}

function checkChoice({ choices = [] }: V4l2Control, value: ControlValue): Checked {
  const choice = choices.find((one) => one.value === value || one.label === value);
  if (choice !== undefined) return { text: String(choice.value) };
  return { problem: `must be one of ${choices.map(({ value: number, label }) => `${number} (${label})`).join(', ')}`.slice(0, 500) };
}

/** A comma would begin the next control, and quotes would be taken away. */
function checkText({ min = 0, max = 64 }: V4l2Control, value: ControlValue): Checked {
  if (typeof value !== 'string') return { problem: 'must be a text' };
  if (value.length < min || value.length > max) return { problem: `must have ${min} to ${max} characters` };
  return /^[ \w.:;/+@#%&()-]*$/.test(value) ? { text: value } : { problem: 'holds characters that cannot be sent to the driver' };
}

function checkNumber({ min, max, step = 1 }: V4l2Control, value: ControlValue): Checked {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return { problem: 'must be a whole number' };
  if (min !== undefined && value < min) return { problem: `must be at least ${min}` };
  if (max !== undefined && value > max) return { problem: `must be at most ${max}` };
  if (step > 1 && (value - (min ?? 0)) % step !== 0) return { problem: `must be ${min ?? 0} plus a multiple of ${step}` };
  return { text: String(value) };
}

/**
 * Sets the controls and answers with all controls as they are then. Throws as `controlArgs` and `probeV4l2` do, and `unavailable` when
 * the driver refuses a value that it said it takes.
 */
export async function setV4l2Controls(
  path: string,
  values: Readonly<Record<string, ControlValue>>,
  options: V4l2RunOptions = {},
): Promise<readonly V4l2Control[]> {
  const before = await probeV4l2(path, options);
  const args = controlArgs(before.report.controls, values);
  if (args.length === 0) return before.report.controls;
  // One run for each: drivers take a list as a whole or not at all, and an automatism must be off before its value is sent.
  for (const arg of args) {
    const run = await runV4l2Ctl(path, ['--set-ctrl', arg], options);
    if (run.code !== 0 || /failed|unknown control|Cannot open/i.test(run.stderr + run.stdout))
      throw await refused(path, arg, run.stderr + run.stdout);
  }
  return (await probeV4l2(path, options)).report.controls;
}

async function refused(path: string, arg: string, text: string): Promise<WeirError> {
  const why = await whyUnusable(path, text);
  if (why.code === 'not_found' || why.code === 'permission_denied') return why;
  const name = arg.slice(0, arg.indexOf('='));
  const line = text.split('\n').find((one) => one.trim() !== '') ?? '';
  return new WeirError('unavailable', `The driver did not take ${arg}${line === '' ? '' : `: ${line.trim().slice(0, 200)}`}`, {
    hint: `Another control may hold ${name} at present; switch off its automatism first`,
  });
}

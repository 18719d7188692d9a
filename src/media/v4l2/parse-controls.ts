/** The controls in the output of `v4l2-ctl`. */
import type { V4l2Control } from './report.js';

/** What a broken driver lists beyond is left out. */
const mostControls = 256;
const mostChoices = 256;

/** Types with one value that a person can set; matrices, areas and codec parameter sets are left out. */
const plainTypes: ReadonlySet<string> = new Set(['int', 'int64', 'bool', 'menu', 'intmenu', 'bitmask', 'button', 'str']);

/** Controls in the driver's order. */
export function parseControls(lines: readonly string[]): V4l2Control[] {
  const controls: V4l2Control[] = [];
  const names = new Set<string>();
  let menu: V4l2Control | undefined;
  for (const line of lines) {
    const [, name, type, rest] = /^\s*([a-z0-9_]{1,64})\s+(?:0x[0-9a-f]+\s+)?\((\w+)\)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined || type === undefined || rest === undefined) {
      if (menu !== undefined && !readChoice(menu, line) && line.trim() !== '') menu = undefined;
      continue;
    }
    const control = readControl(name, type, rest);
    menu = type === 'menu' || type === 'intmenu' ? control : undefined;
    if (control === undefined || names.has(name) || controls.length >= mostControls) continue;
    names.add(name);
    controls.push(control);
  }
  return controls;
}

/** Lines such as `1: Manual Mode` below a menu; false for any other. */
function readChoice(menu: V4l2Control, line: string): boolean {
  const [, value, label] = /^\s+(\d{1,10}): (.*?)\s*$/.exec(line) ?? [];
  if (value === undefined || label === undefined) return false;
  menu.choices ??= [];
  // The number in hexadecimal behind an integer tells nothing new.
  const text = menu.type === 'intmenu' ? label.replace(/ \(0x[0-9a-f]+\)$/, '') : label;
  if (menu.choices.length < mostChoices) menu.choices.push({ value: Number(value), label: text });
  return true;
}

function readControl(name: string, type: string, rest: string): V4l2Control | undefined {
  if (!plainTypes.has(type) || /\bdims=/.test(rest)) return undefined;
  const control: V4l2Control = { name, type };
  const facts = type === 'str' ? rest.replace(/value='.*'/, '') : rest;
  for (const key of ['min', 'max', 'step'] as const) {
    const value = numberOf(facts, key, type);
    if (value !== undefined) control[key] = value;
  }
  for (const key of ['default', 'value'] as const) {
    const value = settingOf(rest, facts, key, type);
    if (value !== undefined) control[key] = value;
  }
  const flags = /\bflags=(.*)$/
    .exec(facts)?.[1]
    ?.split(',')
    .map((flag) => flag.trim());
  if (flags !== undefined) control.flags = flags.filter((flag) => flag !== '');
  return control;
}

function settingOf(rest: string, facts: string, key: 'default' | 'value', type: string): number | boolean | string | undefined {
  if (type === 'button') return undefined;
  if (type === 'str') return key === 'value' ? /\bvalue='(.*)'/.exec(rest)?.[1] : undefined;
  const value = numberOf(facts, key, type);
  return type === 'bool' && value !== undefined ? value !== 0 : value;
}

/** Undefined also for what a JSON number cannot hold exactly. */
function numberOf(text: string, key: string, type: string): number | undefined {
  const [, digits] = new RegExp(`\\b${key}=(-?(?:0x[0-9a-fA-F]+|\\d+))`).exec(text) ?? [];
  if (digits === undefined) return undefined;
  const value = Number(digits);
  if (!Number.isSafeInteger(value)) return undefined;
  // The mask's highest bit is printed as a sign.
  return type === 'bitmask' && value < 0 ? value + 2 ** 32 : value;
}

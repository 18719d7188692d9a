/** The stable id of a capture device: by serial number, else by where it is plugged in, else by what it says of itself. */
import { createHash } from 'node:crypto';
import type { NodeFacts } from './node-facts.js';

const longest = 64;

/**
 * The id of a node's device. It rests on the device tree alone, so it is the same whether or not the driver answers. Several cameras in
 * one device differ by interface and index.
 */
export function deviceIdOf(facts: NodeFacts): string {
  const { usb, bus, name, index = 0, node } = facts;
  if (usb !== undefined) {
    const model = `usb-${usb.vendorId}-${usb.productId}`;
    const part = `${usb.interfaceNumber === 0 ? '' : `-i${usb.interfaceNumber}`}${index === 0 ? '' : `-n${index}`}`;
    if (usb.serial !== undefined && isTelling(usb.serial)) return token(`${model}-${usb.serial}${part}`, `${model}\n${usb.serial}${part}`);
    // A place such as 0000:00:14.0-2 is told apart from others also without its punctuation.
    if (bus !== undefined) return token(`${model}-at-${bus.slice(4)}${part}`);
  }
  // On other buses one device may hold any number of cameras, which only their names tell apart.
  if (bus !== undefined) return token(`${bus}${name === undefined ? '' : `-${name}`}${index === 0 ? '' : `-n${index}`}`);
  if (name !== undefined) return token(`video-${hash(`${name}\n${index}`)}`);
  return token(`dev-${node}`);
}

/** The id for a second device that claims the id of one that is there already: cheap cameras share one "serial number". */
export function deviceIdBeside(id: string, facts: NodeFacts): string {
  return token(`${id}-at-${facts.bus ?? facts.node}`, `${id}\n${facts.bus ?? facts.node}`);
}

/**
 * False for what makers write who number nothing: a few characters, one repeated, 0123456789, a date. Two cameras of that kind would
 * otherwise be taken for one.
 */
export function isTelling(serial: string): boolean {
  const core = serial
    .toUpperCase()
    .replace(/^(?:SERIAL|S\/?N)[\W_]*/, '')
    .replace(/[^A-Z0-9]/g, '');
  const significant = core.replace(/^0+/, '');
  if (significant.length < 4 || new Set(core).size < 3) return false;
  if ('0123456789ABCDEF0123456789'.includes(core)) return false;
  return !/^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:0{1,6}\d)?$/.test(core);
}

/** As one token of at most 64 characters. What is lost on the way comes back as a hash of `whole`, when that is given or the text too long. */
function token(text: string, whole?: string): string {
  const slug = text
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .replace(/-+$/, '');
  const isWhole = slug.length <= longest && (whole === undefined || slug === text);
  return isWhole ? slug : `${slug.slice(0, longest - 9).replace(/-+$/, '')}-${hash(whole ?? text)}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** Reads the XML of strangers: no document types, no entities but the five of XML itself, no more than asked for. */
import { XMLParser } from 'fast-xml-parser';
import { WeirError } from '../../contracts/index.js';

/** One element: children by their names without prefix, text under `#text`, attributes under `@name`. */
export type XmlElement = { readonly [name: string]: unknown };

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
});

/** Throws `unavailable` for what is no XML document that a camera would send. */
export function parseXml(text: string): XmlElement {
  // Nothing that speaks SOAP may carry one, and it is the door of every trick with entities.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw garbage();
  try {
    const root: unknown = parser.parse(text);
    if (isElement(root)) return root;
  } catch (error) {
    throw garbage(error);
  }
  throw garbage();
}

/** All elements of that name right below. */
export function elements(parent: XmlElement | undefined, name: string): XmlElement[] {
  const value = parent?.[name];
  const list: unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return list.map((one) => (isElement(one) ? one : { '#text': one }));
}

/** The first element on the way down, undefined where it ends early. */
export function element(parent: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let at = parent;
  for (const name of path) at = elements(at, name)[0];
  return at;
}

/** The text at the end of the way, cut to what a name or address may have; undefined when there is none. */
export function textAt(parent: XmlElement | undefined, ...path: readonly string[]): string | undefined {
  const text = element(parent, ...path)?.['#text'];
  if (typeof text !== 'string') return undefined;
  const plain = decodeEntities(text).trim().slice(0, maxTextLength);
  return plain === '' ? undefined : plain;
}

/** As {@link textAt}; undefined for what is no number. */
export function numberAt(parent: XmlElement | undefined, ...path: readonly string[]): number | undefined {
  const number = Number(textAt(parent, ...path) ?? Number.NaN);
  return Number.isFinite(number) ? number : undefined;
}

export function attribute(of: XmlElement | undefined, name: string): string | undefined {
  const value = of?.[`@${name}`];
  return typeof value === 'string' ? decodeEntities(value).slice(0, maxTextLength) : undefined;
}

/** For text and attributes of what we send. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const maxTextLength = 2048;

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,4}));/gi, (whole, decimal?: string, hexadecimal?: string, name?: string) => {
    if (name !== undefined) return named[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function isElement(value: unknown): value is XmlElement {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function garbage(cause?: unknown): WeirError {
  return new WeirError('unavailable', 'The camera answered with something that is no SOAP message', { cause });
}

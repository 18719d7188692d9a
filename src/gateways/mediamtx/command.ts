/**
 * Commands that MediaMTX runs. It takes one text, splits it by the quoting rules of a shell (blanks, quotes, backslash; nothing else of a
 * shell exists), then replaces `$NAME` within each word, and runs the first word as the program. Quotes do not protect a `$`.
 */
import { WeirError } from '../../contracts/index.js';

/** The text that is split into exactly these words. Throws `invalid_argument` for a word that no quoting can carry. */
export function formatCommand(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  // A `$` would be replaced by a variable after the split, and no program takes a zero byte.
  const bad = /[$\p{Cc}]/u.exec(word)?.[0];
  if (bad !== undefined) {
    throw new WeirError('invalid_argument', `A command cannot carry the character ${JSON.stringify(bad)}`, {
      hint: 'rename the file, or write it as % and its code in an address',
    });
  }
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Splits a command as MediaMTX does. Throws `invalid_argument` for an open quote or a backslash at the end. */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let rest = text;
  while (rest !== '') {
    const part = /^(?:([ \n\t]+)|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^ \n\t'"\\]+))/.exec(rest);
    if (part === null)
      throw new WeirError('invalid_argument', 'The command has an open quote, or ends with a backslash', { field: 'gateway.command' });
    rest = rest.slice(part[0].length);
    const [, blank, single, double, escaped, plain] = part;
    if (blank !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    const piece =
      single ?? plain ?? double?.replaceAll(/\\([$`"\\\n])/g, (_, kept: string) => (kept === '\n' ? '' : kept)) ?? (escaped === '\n' ? '' : escaped);
    // A backslash before a line end joins lines, and makes no word of its own.
    if (escaped === '\n' && word === undefined) continue;
    word = (word ?? '') + (piece ?? '');
  }
  if (word !== undefined) words.push(word);
  return words;
}

export interface TemplateValues {
  readonly devicePath: string;
  readonly rtspPort: number;
  readonly pathName: string;
  /** User and password for publishing, both of `A-Z a-z 0-9 _ -`. */
  readonly publisher: { readonly user: string; readonly password: string };
}

const placeholders = new Set(['device_path', 'rtsp_port', 'path_name']);

/**
 * Words of an operator's template. Values are put in after the split, so that they can never become words of their own, and a
 * publishing address on this machine is given its credentials. Throws `invalid_argument` for an unknown placeholder, or for variables:
 * MediaMTX has one that holds what a reader wrote.
 */
export function fillTemplate(template: string, values: TemplateValues): string[] {
  const words = splitCommand(template);
  if (words.length === 0) throw templateError('The command is empty', template);
  if (template.includes('$')) throw templateError('The command may not use variables', template);
  const filled = words.map((word) =>
    word.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
      if (!placeholders.has(name)) throw templateError(`The command has an unknown placeholder ${whole}`, template);
      if (name === 'rtsp_port') return String(values.rtspPort);
      return name === 'device_path' ? values.devicePath : values.pathName;
    }),
  );
  const { user, password } = values.publisher;
  return filled.map((word) => word.replace(/^rtsp:\/\/(?=(?:127\.0\.0\.1|localhost|\[::1\])[:/])/, `rtsp://${user}:${password}@`));
}

function templateError(message: string, received: string): WeirError {
  return new WeirError('invalid_argument', message, {
    field: 'gateway.command',
    received,
    hint: `Use ${[...placeholders].map((name) => `{${name}}`).join(', ')}`,
  });
}

/** A device node, and nothing that only looks like one. Throws `invalid_argument`. */
export function checkDevicePath(path: string): string {
  if (/^\/dev\/[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,200}$/.test(path) && !path.split('/').includes('..')) return path;
  throw new WeirError('invalid_argument', 'This is no path of a device', { field: 'device', received: path.slice(0, 120) });
}

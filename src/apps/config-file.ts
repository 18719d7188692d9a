/** `weir.yaml`: where it is, what it says, and where in it each value stands. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument, visit, type YAMLParseError } from 'yaml';
import { WeirError } from '../contracts/index.js';

export const configFileName = 'weir.yaml';

/** Where the file is looked for: the one that was named, else the working folder and then the data folder. */
export interface FilePlaces {
  /** It must exist. */
  readonly named?: string | undefined;
  readonly folder: string;
  /** Data folder, as far as flags and environment tell it. */
  readonly dataFolder: string;
}

/** Every path that counts, the first that exists wins. */
export function configPaths({ named, folder, dataFolder }: FilePlaces): string[] {
  return named === undefined ? [join(folder, configFileName), join(dataFolder, configFileName)] : [resolve(folder, named)];
}

/** The file there is; undefined without one. Throws `not_found` when a named one is missing. */
export function findConfigFile(places: FilePlaces): { path: string; ignored: string[] } | undefined {
  const found = configPaths(places).filter((path) => existsSync(path));
  const [path, ...others] = found;
  if (path !== undefined) return { path, ignored: [...new Set(others)].filter((other) => other !== path) };
  if (places.named === undefined) return undefined;
  throw new WeirError('not_found', `The configuration file ${resolve(places.folder, places.named)} does not exist`, {
    field: 'config',
    received: places.named,
  });
}

/** The text of the file. Throws `permission_denied` when it cannot be read. */
export function readConfigText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new WeirError(code === 'ENOENT' ? 'not_found' : 'permission_denied', `The configuration file ${path} cannot be read: ${code}`, { cause });
  }
}

/** A file that was understood as YAML with sections. */
export interface ParsedFile {
  readonly document: Document.Parsed;
  /** Sections with their values; empty for an empty file. */
  readonly content: Readonly<Record<string, unknown>>;
  /** `file:line:column` of a dotted key, or of the nearest section above it. */
  placeOf(key: string): string;
}

/** Understands the text. Throws `invalid_argument` with `file:line:column` for what is no YAML, or no sections. */
export function parseConfigText(path: string, text: string): ParsedFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const fault = document.errors[0];
  if (fault !== undefined) {
    const { what, todo } = explain(fault);
    throw new WeirError('invalid_argument', `${at(fault.pos[0])}: this is no valid YAML: ${what}. ${todo}.`, { field: path });
  }
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) !== undefined) return;
      throw new WeirError('invalid_argument', `${at(node.range?.[0] ?? 0)}: this is no valid YAML: ${anchorless.what}. ${anchorless.todo}.`, {
        field: path,
      });
    },
  });
  const content = toSections(path, document);
  return { document, content, placeOf: (key) => at(offsetOf(document.contents, key.split('.'))) };
}

interface Explanation {
  readonly what: string;
  readonly todo: string;
}

const anchorless: Explanation = {
  what: 'a value that begins with * means an anchor, and there is none of that name',
  todo: 'Put the value in quotes',
};

/** The faults that people make; the others are told in the words of the parser. */
const explanations: Partial<Record<YAMLParseError['code'], Explanation>> = {
  TAB_AS_INDENT: { what: 'the line begins with a tab', todo: 'Indent with spaces, two for each level' },
  BAD_INDENT: {
    what: 'the indentation does not fit the lines above',
    todo: 'Let all keys of a section begin in the same column, two spaces below it',
  },
  MISSING_CHAR: {
    what: 'a quote, bracket or colon is missing here or above',
    todo: 'Close every quote and bracket, and write each setting as `key: value`',
  },
  DUPLICATE_KEY: { what: 'this key stands in the section already', todo: 'Keep one of the two' },
  BAD_ALIAS: anchorless,
  BAD_SCALAR_START: { what: 'a value cannot begin with this character', todo: 'Put the value in quotes' },
  BLOCK_AS_IMPLICIT_KEY: { what: 'there are two colons in one line', todo: 'Put a value that has a colon followed by a space in quotes' },
  MULTILINE_IMPLICIT_KEY: { what: 'a key without its colon', todo: 'Write each setting as `key: value`' },
  MULTIPLE_DOCS: { what: 'a second document begins here', todo: 'Remove the line ---' },
};

function explain({ code, message }: YAMLParseError): Explanation {
  const told = message.split('\n', 1)[0]?.replace(/ at line \d+, column \d+:?$/, '');
  const [, bracket] = /end with an? ([\]}])/.exec(message) ?? [];
  if (bracket !== undefined) return { what: 'a bracket that is opened above is not closed', todo: `Close it with ${bracket}` };
  return explanations[code] ?? { what: lowerFirst(told ?? message), todo: 'Correct this line, or the one above' };
}

function lowerFirst(text: string): string {
  return `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;
}

function toSections(path: string, document: Document.Parsed): Record<string, unknown> {
  let content: unknown;
  try {
    content = document.toJS();
  } catch (cause) {
    // An alias that unfolds without end.
    throw new WeirError('invalid_argument', `${path}: ${(cause as Error).message}`, { field: path, cause });
  }
  if (content === null || content === undefined) return {};
  if (typeof content === 'object' && !Array.isArray(content)) return content as Record<string, unknown>;
  throw new WeirError(
    'invalid_argument',
    `${path} must hold sections (http:, nats:, ...), not ${Array.isArray(content) ? 'a list' : typeof content}`,
  );
}

/** Where the value of a key begins; where there is none, the key, or the section above. */
function offsetOf(root: Node | null, names: readonly string[]): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const name of names) {
    if (!isMap(node)) break;
    const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === name);
    if (pair === undefined) break;
    node = pair.value;
    const [key, value] = [(pair.key as Node).range?.[0], (pair.value as Node | null)?.range?.[0]];
    offset = (isScalar(node) ? value : key) ?? key ?? offset;
  }
  return offset;
}

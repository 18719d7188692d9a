/** `weir.yaml`: where it is, what it says, and where in it each value stands. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Document, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
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
  if (fault !== undefined) throw new WeirError('invalid_argument', `${at(fault.pos[0])}: ${fault.message.split('\n', 1)[0]}`, { field: path });
  const content = toSections(path, document);
  return { document, content, placeOf: (key) => at(offsetOf(document.contents, key.split('.'))) };
}

function toSections(path: string, document: Document.Parsed): Record<string, unknown> {
  let content: unknown;
  try {
    content = document.toJS();
  } catch (cause) {
    // An alias without its anchor, or one that unfolds without end.
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

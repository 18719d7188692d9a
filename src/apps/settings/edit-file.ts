/** Changes values in the text of `weir.yaml` and leaves the rest of it (comments, order, style) as it was written. */
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Document, isMap, isNode, isScalar } from 'yaml';
import { WeirError } from '../../contracts/index.js';
import { fileError } from '../../supervisor/index.js';
import { parseConfigText } from '../config-file.js';

/** Dotted key to its new value; undefined takes the key out. */
export type FileEdits = ReadonlyMap<string, unknown>;

const firstLines =
  '# Configuration of Weir. All keys: weir config show --all, and docs/reference/config.md. A change here is taken up within a second.\n';

/** The text with the edits. Throws `invalid_argument` when the text is no YAML, `failed_precondition` where an alias stands in the way. */
export function editConfigText(path: string, text: string, edits: FileEdits): string {
  const { document } = parseConfigText(path, text === '' ? firstLines : text);
  for (const [key, value] of edits) {
    const names = key.split('.');
    try {
      if (value === undefined) takeOut(document, names);
      else putIn(document, names, value);
    } catch (cause) {
      throw new WeirError('failed_precondition', `${key} cannot be changed in ${path}: ${(cause as Error).message}`, {
        field: key,
        hint: 'The file writes that part in a way that only a person can edit; change it by hand',
        cause,
      });
    }
  }
  const edited = document.toString({ lineWidth: 0 });
  return text.includes('\r\n') ? edited.replaceAll(/\r?\n/g, '\r\n') : edited;
}

function putIn(document: Document, names: readonly string[], value: unknown): void {
  // A section that stands there without content is nothing that a value could be put into.
  for (let depth = 1; depth < names.length; depth++) {
    const section = names.slice(0, depth);
    const node = document.getIn(section, true);
    if (!isScalar(node) || node.value !== null) continue;
    const map = document.createNode({});
    if (node.comment !== undefined) map.commentBefore = node.comment;
    if (node.commentBefore !== undefined) map.commentBefore = node.commentBefore;
    document.setIn(section, map);
  }
  const present = document.getIn(names, true);
  if (isScalar(present) && typeof value !== 'object') {
    // Keeps the comment at its end, and drops the style of the old value.
    present.value = value;
    delete present.source;
    delete present.type;
    delete present.format;
    return;
  }
  const node = document.createNode(value);
  if (isNode(present) && isNode(node)) {
    if (present.comment !== undefined) node.comment = present.comment;
    if (present.commentBefore !== undefined) node.commentBefore = present.commentBefore;
  }
  document.setIn(names, node);
}

function takeOut(document: Document, names: readonly string[]): void {
  if (!document.hasIn(names)) return;
  document.deleteIn(names);
  for (let depth = names.length - 1; depth > 0; depth--) {
    const section = document.getIn(names.slice(0, depth), true);
    if (!isMap(section) || section.items.length > 0 || section.comment != null || section.commentBefore != null) return;
    document.deleteIn(names.slice(0, depth));
  }
}

/**
 * Writes beside and renames, so that nobody ever reads half a file; mode and owner stay, a new file is for its owner only. A link is
 * followed, so that it stays one. A file that cannot be replaced (mounted by itself, or in a folder of others) is written in its place.
 * Throws `permission_denied` or `resource_exhausted`.
 */
export function writeConfigText(path: string, text: string): void {
  const target = existsSync(path) ? realpathSync(path) : path;
  try {
    replace(target, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!existsSync(target) || !['EBUSY', 'EACCES', 'EPERM', 'EXDEV'].includes(code ?? '')) throw fileError(error, dirname(target));
    try {
      writeFileSync(target, text, { flush: true });
    } catch {
      throw fileError(error, dirname(target));
    }
  }
}

function replace(target: string, text: string): void {
  const beside = join(dirname(target), `.weir.yaml.${process.pid}.tmp`);
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    writeFileSync(beside, text, { mode: 0o600, flush: true });
    if (existsSync(target)) {
      const { mode, uid, gid } = statSync(target);
      chmodSync(beside, mode & 0o777);
      const own = statSync(beside);
      if (own.uid !== uid || own.gid !== gid) chownSync(beside, uid, gid);
    }
    renameSync(beside, target);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** Whether {@link writeConfigText} may be expected to succeed. */
export function isWritable(path: string): boolean {
  let at = path;
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at);
  try {
    accessSync(at, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

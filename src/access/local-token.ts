/** The token by which programs of the hub's own owner, as the CLI on this machine, are admin: whoever can read the file is. */
import { chmod, lstat, mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Principal, rememberSecret } from './principal.js';
import { createSecret, isSameText } from './secrets.js';

const prefix = 'weir_local_';

export interface LocalToken {
  /** True when `text` is what the file holds now. A file that was deleted is made anew, with another token. */
  matches(text: string): Promise<boolean>;
}

/** Makes the file (mode 0600) when it is missing, and a new token when others could have read it. */
export async function ensureLocalToken(path: string): Promise<LocalToken> {
  await current(path);
  return {
    async matches(text) {
      // The file is only read for what claims to be from it.
      return text.startsWith(prefix) && isSameText(text, await current(path));
    },
  };
}

/** Who presents the local token. */
export function localPrincipal(text: string): Principal {
  return rememberSecret(
    { kind: 'token', id: 'local', session: { user_id: null, username: 'local', role: 'admin', streams: null, expires_at: null } },
    text,
  );
}

async function current(path: string): Promise<string> {
  return (await readToken(path)) ?? (await writeToken(path));
}

async function readToken(path: string): Promise<string | undefined> {
  try {
    const stat = await lstat(path);
    // Readable for others, or not a plain file: no secret any more.
    if (!stat.isFile() || (stat.mode & 0o077) !== 0) return undefined;
    const text = (await readFile(path, 'utf8')).trim();
    return text.startsWith(prefix) && text.length >= prefix.length + 43 ? text : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written beside and moved into place, so that nobody reads half of it. */
async function writeToken(path: string): Promise<string> {
  const text = prefix + createSecret();
  const draft = `${path}.${process.pid}.new`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(`${text}\n`);
  } finally {
    await file.close();
  }
  await chmod(draft, 0o600);
  await rename(draft, path);
  return text;
}

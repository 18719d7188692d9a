/** The built interface on the disk, as the HTTP server wants it. */
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import type { StaticFile, StaticFiles } from '../http/index.js';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.ico': 'image/x-icon',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
};

const encodings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** Bytes of files kept in memory; the rest is read again each time. */
const cacheBytes = 4 * 1024 * 1024;

/** The name carries a hash of the contents: `app-B4sk2l9Q.js`. */
const hashedName = /^\/assets\/.+-[A-Za-z0-9_-]{8,}\.\w+$/;

/** Serves `folder`; it is listed again whenever it was built anew. Undefined when there is no interface in it. */
export function openUiFiles(folder: string): StaticFiles | undefined {
  let listing = list(folder);
  if (!listing.has('/index.html')) return undefined;
  let builtAt = modifiedAt(folder);
  let cache = new Map<string, StaticFile>();
  let cached = 0;

  const refresh = () => {
    const now = modifiedAt(folder);
    if (now === builtAt) return;
    builtAt = now;
    listing = list(folder);
    cache = new Map();
    cached = 0;
  };
  const load = async (path: string, encoding: string | undefined, suffix: string): Promise<StaticFile | undefined> => {
    const known = cache.get(path + suffix);
    if (known !== undefined) return known;
    const body = await readFile(join(folder, path + suffix)).catch(() => undefined);
    if (body === undefined) return undefined;
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const contentType = types[extname(path)] ?? 'application/octet-stream';
    const file: StaticFile = { body, contentType, etag, immutable: hashedName.test(path), ...(encoding === undefined ? {} : { encoding }) };
    if (cached + body.length <= cacheBytes) {
      cached += body.length;
      cache.set(path + suffix, file);
    }
    return file;
  };
  return {
    async find(path, accepted) {
      if (path === '/index.html') refresh();
      // Only names that were listed are opened, so no path can lead outside.
      if (!listing.has(path)) return undefined;
      for (const [encoding, suffix] of encodings) {
        if (accepted.has(encoding) && listing.has(path + suffix)) return load(path, encoding, suffix);
      }
      return load(path, undefined, '');
    },
  };
}

function list(folder: string): Set<string> {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return new Set(
      entries.filter((entry) => entry.isFile()).map((entry) => `/${relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')}`),
    );
  } catch {
    return new Set();
  }
}

function modifiedAt(folder: string): number {
  try {
    return statSync(join(folder, 'index.html')).mtimeMs;
  } catch {
    return 0;
  }
}

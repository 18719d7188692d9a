/** Files out of the hub: into a file that is there whole or not at all, or to standard output. */
import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type RouteName, WeirError } from '../../contracts/index.js';
import type { CallInput, Client } from './client.js';
import { showProgress } from './progress.js';
import type { Terminal } from './terminal.js';
import { formatBytes } from './words.js';

export interface DownloadTarget {
  /** File or folder to write to; `-`: standard output. Default: the name the hub gives, in this folder. */
  readonly output?: string | undefined;
  /** Writes over a file that is there. */
  readonly force?: boolean | undefined;
}

export interface Downloaded {
  /** Null when it went to standard output. */
  readonly file: string | null;
  readonly size: number;
}

/** Fetches the answer of a route into a file. Throws `already_exists` for a file that is there, unless `force`. */
export async function download(client: Client, name: RouteName, input: CallInput, target: DownloadTarget, terminal: Terminal): Promise<Downloaded> {
  const answer = await client.fetch(name, input);
  const total = Number(answer.headers.get('content-length') ?? Number.NaN);
  const body = answer.body === null ? Readable.from([]) : Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]);
  if (target.output === '-') return { file: null, size: await toStandardOutput(body) };
  const file = await placeFor(target, nameIn(answer.headers.get('content-disposition')) ?? input.params?.filename ?? 'download', terminal.folder);
  const part = `${file}.${process.pid}.part`;
  const progress = showProgress(terminal, basename(file));
  let size = 0;
  try {
    body.on('data', (chunk: Buffer) => {
      size += chunk.length;
      progress.show(Number.isNaN(total) ? undefined : size / total, formatBytes(size));
    });
    await pipeline(body, createWriteStream(part, { flags: 'wx' }));
    if (!Number.isNaN(total) && size !== total) throw new WeirError('unavailable', `The hub sent ${size} of ${total} bytes and then no more`);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw toCode(error, file);
  } finally {
    progress.end();
  }
  return { file, size };
}

async function toStandardOutput(body: Readable): Promise<number> {
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (!process.stdout.write(chunk)) await new Promise<void>((resolve) => process.stdout.once('drain', () => resolve()));
  }
  return size;
}

async function placeFor({ output, force }: DownloadTarget, name: string, folder: string): Promise<string> {
  const wanted = resolve(folder, output ?? name);
  const isFolder = output !== undefined && (await stat(wanted).catch(() => undefined))?.isDirectory() === true;
  const file = isFolder ? resolve(wanted, name) : wanted;
  if (force !== true && (await stat(file).catch(() => undefined)) !== undefined)
    throw new WeirError('already_exists', `${file} is there already`, {
      field: 'output',
      hint: 'Choose another with --output, or write over it with --force',
    });
  return file;
}

/** The name that the hub gives, without any path. */
function nameIn(disposition: string | null): string | undefined {
  const name = /filename="?([^";]+)"?/.exec(disposition ?? '')?.[1];
  return name === undefined ? undefined : basename(name);
}

function toCode(error: unknown, file: string): WeirError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC') return new WeirError('resource_exhausted', `The disk of ${file} is full`, { cause: error });
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return new WeirError('permission_denied', `${file} may not be written`, { cause: error });
  if (code === 'ENOENT' || code === 'ENOTDIR') return new WeirError('not_found', `There is no folder for ${file}`, { field: 'output', cause: error });
  if (error instanceof TypeError) return new WeirError('unavailable', 'The hub ended the transfer early', { cause: error });
  return WeirError.from(error);
}

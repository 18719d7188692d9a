/** Whether the hub has the content of a file already, so that nobody sends gigabytes twice without knowing. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Video, VideoDraft } from '../../contracts/index.js';
import { WeirError } from '../../contracts/index.js';
import { askYes } from './ask.js';
import type { Client } from './client.js';
import { showProgress } from './progress.js';
import type { Terminal } from './terminal.js';
import { formatBytes } from './words.js';

export interface KnownContentOptions {
  readonly draft: VideoDraft;
  /** Make another video of it, without asking. */
  readonly again: boolean;
  /** A person can be asked. */
  readonly canAsk: boolean;
}

/**
 * Resolves with the id of a new video made of content that is there already, or with undefined when the file has to be sent. Throws
 * `already_exists`, with the videos in `facts.existing`, when nobody said that another one is wanted.
 */
export async function useKnownContent(client: Client, path: string, terminal: Terminal, options: KnownContentOptions): Promise<string | undefined> {
  const about = await stat(path).catch(() => undefined);
  // Whoever sends it says what is wrong with it.
  if (about?.isFile() !== true || about.size === 0) return undefined;
  const sha256 = await hashOf(path, about.size, terminal);
  const { existing } = await client.call('check_upload', { body: { size_bytes: about.size, sha256 } });
  const [first] = existing;
  if (first === undefined) return undefined;
  if (!options.again && !(options.canAsk && (await askYes(`${sentenceOf(path, first, existing.length)}. Make another video of it?`)))) {
    throw new WeirError('already_exists', sentenceOf(path, first, existing.length), {
      hint: 'With --again another video is made of it',
      facts: { existing: existing.map(({ video_id, title, state }) => ({ video_id, title, state })) },
    });
  }
  try {
    return (await client.call('reuse_upload', { body: { sha256, size_bytes: about.size, draft: options.draft }, timeoutMs: 120_000 })).video_id;
  } catch (thrown) {
    // Its source was deleted after it was encoded, or meanwhile.
    if (['not_found', 'failed_precondition'].includes(WeirError.from(thrown).code)) return undefined;
    throw thrown;
  }
}

function sentenceOf(path: string, first: Video, count: number): string {
  const more = count === 1 ? '' : `, and ${count - 1} more`;
  return `${path} is here already as ${first.video_id} "${first.title}" (${first.state})${more}`;
}

async function hashOf(path: string, size: number, terminal: Terminal): Promise<string> {
  const progress = showProgress(terminal, `reading ${path}`);
  const hash = createHash('sha256');
  let read = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      read += chunk.length;
      progress.show(read / size, `${formatBytes(read)} of ${formatBytes(size)}`);
    }
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    throw new WeirError('invalid_argument', `${path} cannot be read: ${reason}`, { field: 'file', received: path, cause });
  } finally {
    progress.end();
  }
  return hash.digest('hex');
}

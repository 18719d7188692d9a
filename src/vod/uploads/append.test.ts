import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { waitFor, withTempFolder } from '../../testkit/index.js';
import { type AppendOptions, appendFrom } from './append.js';

const never = new AbortController().signal;

async function append(folder: string, source: Readable, options: Partial<AppendOptions> = {}) {
  const path = join(folder, 'file');
  const file = await open(path, 'w');
  try {
    const result = await appendFrom(source, file, { position: 0, maxBytes: 1e9, signal: never, onWritten: () => undefined, ...options });
    return { ...result, content: await readFile(path) };
  } finally {
    await file.close();
  }
}

describe('a body that is appended', () => {
  it('is in the file byte by byte, whatever pieces it came in', () =>
    withTempFolder(async (folder) => {
      const pieces = [1, 70_000, 3, 5_000_000, 65_536].map((size) => randomBytes(size));
      const { content, bytes, end } = await append(folder, Readable.from(pieces, { objectMode: false }));
      assert.deepEqual(content, Buffer.concat(pieces));
      assert.deepEqual([bytes, end], [content.length, 'whole']);
    }));

  it('is cut at the most that may come', () =>
    withTempFolder(async (folder) => {
      const { content, bytes, end } = await append(folder, Readable.from([Buffer.from('abc'), Buffer.from('def')]), { maxBytes: 4 });
      assert.deepEqual([content.toString(), bytes, end], ['abcd', 4, 'too_long']);
      const exact = await append(folder, Readable.from([Buffer.from('abc')]), { maxBytes: 3 });
      assert.equal(exact.end, 'whole');
    }));

  it('keeps what came before its sender went away, or the signal said enough', () =>
    withTempFolder(async (folder) => {
      for (const how of ['broken', 'stopped'] as const) {
        const source = new PassThrough();
        const abort = new AbortController();
        let written = 0;
        const result = append(folder, source, {
          signal: abort.signal,
          onWritten: (count) => {
            written += count;
            return undefined;
          },
        });
        source.write('abc');
        await waitFor(() => written === 3, { what: 'the first bytes' });
        if (how === 'broken') source.destroy(new Error('reset'));
        else abort.abort();
        const { content, end } = await result;
        assert.deepEqual([content.toString(), end], ['abc', how]);
      }
    }));

  it('comes no faster than it is written', () =>
    withTempFolder(async (folder) => {
      const block = Buffer.alloc(1024 * 1024);
      let asked = 0;
      const source = new Readable({
        read() {
          asked++;
          this.push(asked > 40 ? null : block);
        },
      });
      let letGo = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      let isFirst = true;
      const result = append(folder, source, {
        onWritten: () => {
          if (!isFirst) return undefined;
          isFirst = false;
          return held;
        },
      });
      await waitFor(() => source.isPaused(), { what: 'the source to be held up' });
      assert.ok(asked <= 12, `${asked} of 40 were taken although nothing was written`);
      letGo();
      assert.equal((await result).bytes, 40 * block.length);
    }));

  it('ends with the failure of whoever is told of it', () =>
    withTempFolder(async (folder) => {
      const source = Readable.from([Buffer.from('abc'), Buffer.from('def')]);
      await assert.rejects(append(folder, source, { onWritten: () => Promise.reject(new Error('no room')) }), /no room/);
    }));
});

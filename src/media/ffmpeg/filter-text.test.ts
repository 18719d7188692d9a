import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { runTool } from '../../testkit/ffmpeg-capture.js';
import { withTempFolder } from '../../testkit/index.js';
import { escapeFilterValue, escapeTeeOption, escapeTeeTarget, printable, wrapText } from './filter-text.js';
import { slateArgs } from './slate-args.js';

/** Texts made of everything that FFmpeg's parsers treat specially. */
const awkward = fc.string({
  unit: fc.constantFrom('\\', "'", ':', ',', ';', '[', ']', '=', '%', '{', '}', '|', '"', '@', '#', ' ', 'a', 'B', '7', 'ü', '日', '🎥'),
  minLength: 1,
  maxLength: 24,
});
const sample = (count: number) =>
  [...new Set(fc.sample(awkward, { numRuns: count, seed: 7 }).map((text) => text.trim()))].filter((text) => text !== '');

describe('text reaches FFmpeg unchanged', () => {
  test('escapeFilterValue: a graph gives back every value it was given', async () => {
    const values = [...sample(60), "it's 100% [weird]; a=b, \\n \\ %{pts} 'q'", "'", '\\', '\\\\', "\\'", ':', ']['];
    const filters = values.map((value, index) => `metadata=mode=add:key=k${index}:value=${escapeFilterValue(value)}`);
    const graph = ['color=s=16x16:r=1', ...filters, 'metadata=mode=print:file=-'].join(',');
    const output = await runTool('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', graph, '-frames:v', '1', '-f', 'null', '/dev/null']);
    for (const [index, value] of values.entries()) {
      const line = output
        .toString()
        .split('\n')
        .find((entry) => entry.startsWith(`k${index}=`));
      assert.equal(line, `k${index}=${value}`);
    }
  });

  test('escapeTeeTarget: every target is opened under its own name', async () => {
    await withTempFolder(async (folder) => {
      const names = [...sample(40), "k'e|y", '|', '[f=null]x', 'a|[f=flv]b', "'quoted'", 'end\\'].filter((name) => !name.includes('/'));
      const targets = names.map((name) => `[f=framecrc]${escapeTeeTarget(`file:${join(folder, name)}`)}`);
      const source = ['-f', 'lavfi', '-i', 'color=s=16x16:r=1', '-frames:v', '1', '-c:v', 'rawvideo', '-map', '0:v'];
      await runTool('ffmpeg', ['-v', 'error', ...source, '-f', 'tee', targets.join('|')]);
      assert.deepEqual((await readdir(folder)).sort(), [...new Set(names)].sort());
    });
  });

  test('escapeTeeOption: an option holds what it was given', async () => {
    await withTempFolder(async (folder) => {
      // The list of a segment muxer is a file of exactly the name in the option; % would be its own pattern.
      const names = ["a:b]c|d'e\\f", 'x=y:z', ...sample(40)].filter((name) => !/[%/]/.test(name));
      const target = (name: string, index: number) => {
        const list = escapeTeeOption(join(folder, `${name}.list`));
        return `[f=segment:segment_format=framecrc:segment_list_type=flat:segment_list=${list}]${escapeTeeTarget(join(folder, `s${index}-%d`))}`;
      };
      const source = ['-f', 'lavfi', '-i', 'color=s=16x16:r=1', '-frames:v', '1', '-c:v', 'rawvideo', '-map', '0:v'];
      await runTool('ffmpeg', ['-v', 'error', ...source, '-f', 'tee', names.map(target).join('|')]);
      const lists = (await readdir(folder)).filter((name) => name.endsWith('.list'));
      assert.deepEqual(lists.sort(), [...new Set(names)].map((name) => `${name}.list`).sort());
    });
  });

  test('a slate draws any text', async () => {
    const facts = {
      ffmpeg: 'ffmpeg',
      ffprobe: 'ffprobe',
      version: '5.1',
      fontFile: '/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf',
      encoders: [],
      renderNode: undefined,
    };
    for (const text of ["it's 100% [weird]; a=b, \\n \\ %{pts} 'q'", '%{eif:1/0}', 'line\nbreak\u0000nul', sample(10).join(' ')]) {
      const args = slateArgs({ title: text, text, since: new Date(0) }, facts);
      const graph = args.find((arg) => arg.startsWith('color=')) ?? '';
      await runTool('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', graph, '-frames:v', '1', '-f', 'null', '-']);
    }
  });
});

test('printable leaves one line', () => {
  assert.equal(printable('a\nb\t\u0000c\ud800d\u202e e'), 'a b c d e');
});

describe('wrapText', () => {
  const rows: [string, number, number, string[]][] = [
    ['', 10, 3, []],
    ['one two three', 7, 3, ['one two', 'three']],
    ['one two three four', 7, 2, ['one two', 'three…']],
    ['abcdefghijkl', 5, 3, ['abcde', 'fghij', 'kl']],
    ['a abcdefghijkl', 5, 2, ['a', 'abcd…']],
  ];
  for (const [text, width, lines, expected] of rows)
    test(`${JSON.stringify(text)} in ${width}`, () => assert.deepEqual(wrapText(text, width, lines), expected));

  test('no line is longer than asked', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 30 }), fc.integer({ min: 1, max: 5 }), (text, width, maxLines) => {
        const lines = wrapText(text, width, maxLines);
        assert.ok(lines.length <= maxLines && lines.every((line) => [...line].length <= width), JSON.stringify(lines));
      }),
    );
  });
});

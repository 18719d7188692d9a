import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeirError } from '../contracts/index.js';
import { parseConfigText } from './config-file.js';

const faults: [what: string, text: string, message: string][] = [
  ['a tab', 'http:\n\tport: 1\n', '2:1: this is no valid YAML: the line begins with a tab. Indent with spaces, two for each level.'],
  [
    'a column that fits nothing',
    'http:\n  port: 8080\n host: x\n',
    '3:1: this is no valid YAML: the indentation does not fit the lines above. Let all keys of a section begin in the same column, two spaces below it.',
  ],
  ['a list without its end', 'http: [1, 2\nlog: x\n', '2:1: this is no valid YAML: a bracket that is opened above is not closed. Close it with ].'],
  ['a section without its end', 'http: {port: 1\n', '2:1: this is no valid YAML: a bracket that is opened above is not closed. Close it with }.'],
  ['a key twice', 'a: 1\na: 2\n', '2:1: this is no valid YAML: this key stands in the section already. Keep one of the two.'],
  [
    'a colon in a value',
    'log:\n  level: info: x\n',
    '2:10: this is no valid YAML: there are two colons in one line. Put a value that has a colon followed by a space in quotes.',
  ],
  [
    'a star',
    'log:\n  level: *x\n',
    '2:10: this is no valid YAML: a value that begins with * means an anchor, and there is none of that name. Put the value in quotes.',
  ],
  ['an at sign', 'a: @x\n', '1:4: this is no valid YAML: a value cannot begin with this character. Put the value in quotes.'],
  ['no colon', 'http\n  port: 1\n', '1:1: this is no valid YAML: a key without its colon. Write each setting as `key: value`.'],
  ['an unknown escape', 'a: "\\q"\n', '1:5: this is no valid YAML: invalid escape sequence \\q. Correct this line, or the one above.'],
];

for (const [what, text, message] of faults) {
  test(`a file with ${what} is told with file, line, column and what to do`, () => {
    assert.throws(
      () => parseConfigText('/etc/weir.yaml', text),
      (error) => {
        assert.ok(error instanceof WeirError);
        assert.equal(error.message, `/etc/weir.yaml:${message}`);
        return true;
      },
    );
  });
}

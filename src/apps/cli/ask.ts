/** What a person types, or a program pipes in. */
import { createInterface } from 'node:readline';
import { WeirError } from '../../contracts/errors.js';

/** Asked for on a terminal, else the first line of standard input. */
export async function askSecret(question: string): Promise<string> {
  return process.stdin.isTTY === true ? askHidden(question) : firstLine('Pipe it in, or run this on a terminal');
}

/** The first line of standard input. Throws `invalid_argument` when there is none. */
export async function firstLine(hint = 'Or use --generate'): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line;
  throw new WeirError('invalid_argument', 'A password is needed on standard input', { field: 'password', hint });
}

/** Asks on the terminal without showing what is typed. Throws `cancelled` on Ctrl-C. */
export async function askHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const input = process.stdin;
  input.setRawMode(true);
  let text = '';
  try {
    for await (const chunk of input.iterator({ destroyOnReturn: false })) {
      for (const key of String(chunk)) {
        if (key === '\r' || key === '\n') return text;
        if (key === '\u0003' || key === '\u0004') throw new WeirError('cancelled', 'Nothing was changed');
        text = key === '\u007f' || key === '\b' ? text.slice(0, -1) : text + key;
      }
    }
    return text;
  } finally {
    input.setRawMode(false);
    input.pause();
    process.stderr.write('\n');
  }
}

/** Asks on the terminal; anything but `y` and `yes` is a no. */
export async function askYes(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.once('close', () => resolve(''));
      lines.question(`${question} [y/N] `, resolve);
    });
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

/** How far something is, on a terminal only: one line that is written over. */
import type { Terminal } from './terminal.js';

export interface Progress {
  /** `share` from 0 to 1; undefined where the end is not known. */
  show(share: number | undefined, note?: string): void;
  /** Takes the line away. */
  end(): void;
}

const betweenMs = 100;

/** Shows nothing where standard error is no terminal. */
export function showProgress(terminal: Terminal, what: string, isTerminal: boolean = process.stderr.isTTY === true): Progress {
  let shownAt = 0;
  let width = 0;
  return {
    show(share, note = '') {
      if (!isTerminal || performance.now() - shownAt < betweenMs) return;
      shownAt = performance.now();
      const percent = share === undefined ? '' : `${String(Math.floor(share * 100)).padStart(3)} %  `;
      const line = `${what}  ${percent}${note}`;
      terminal.err(`\r${line.padEnd(width)}`);
      width = line.length;
    },
    end() {
      if (width > 0) terminal.err(`\r${' '.repeat(width)}\r`);
      width = 0;
    },
  };
}

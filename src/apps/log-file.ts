/** A log file that starts anew when it has grown, keeping some old ones. */
import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** Appends lines to `file`; at `maxBytes` (default 8 MiB) it becomes `file.1`, and so on up to `keep` (default 3) old ones. A full disk loses lines, never the program. */
export function openLogFile(file: string, maxBytes = 8 * 1024 * 1024, keep = 3): { write(line: string): void; close(): void } {
  let fd = openSync(file, 'a', 0o600);
  let size = fstatSync(fd).size;
  const rotate = () => {
    closeSync(fd);
    rmSync(`${file}.${keep}`, { force: true });
    for (let age = keep - 1; age >= 0; age--) moveIfThere(age === 0 ? file : `${file}.${age}`, `${file}.${age + 1}`);
    fd = openSync(file, 'a', 0o600);
    size = 0;
  };
  return {
    write(line) {
      try {
        if (size > 0 && size + line.length > maxBytes) rotate();
        size += writeSync(fd, line);
      } catch {
        // There is nowhere left to tell it.
      }
    },
    close: () => closeSync(fd),
  };
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // There was none that old.
  }
}

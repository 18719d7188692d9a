/** The environment this process was started with, once its secrets have been read. */
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

/**
 * Takes variables out of the environment: neither what we start inherits them, nor does `/proc/PID/environ` show them any longer
 * (Linux; only our own user could look there). Gives back the whole environment as it was. Never fails.
 */
export function takeEnvironment(isSecret: (name: string) => boolean): Readonly<Record<string, string | undefined>> {
  const before = { ...process.env };
  const names = Object.keys(before).filter(isSecret);
  for (const name of names) delete process.env[name];
  if (names.length > 0) eraseFromStart(new Set(names));
  return before;
}

/** The kernel shows the memory that the environment was handed over in, which nobody refers to any more for a deleted variable. */
function eraseFromStart(names: ReadonlySet<string>): void {
  let memory: number | undefined;
  try {
    const text = readFileSync('/proc/self/stat', 'utf8');
    // Fields 50 and 51, counted from the one behind the name.
    const [start = 0, end = 0] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .slice(47, 49)
      .map(Number);
    memory = openSync('/proc/self/mem', 'r+');
    const bytes = Buffer.alloc(end - start);
    readSync(memory, bytes, 0, bytes.length, start);
    for (let at = 0; at < bytes.length; ) {
      const next = bytes.indexOf(0, at) < 0 ? bytes.length : bytes.indexOf(0, at);
      const value = bytes.indexOf('=', at) + 1;
      const isOurs = value > at && value < next && names.has(bytes.toString('utf8', at, value - 1));
      if (isOurs) writeSync(memory, Buffer.alloc(next - value, '*'), 0, next - value, start + value);
      at = next + 1;
    }
  } catch {
    // Not this system, or not allowed: it stays readable for our own user, as the data folder is.
  } finally {
    if (memory !== undefined) closeSync(memory);
  }
}

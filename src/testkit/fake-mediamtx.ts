/** A program that passes for MediaMTX of any version, and shows its faults on request. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface FakeMediaMtx {
  /** Give it as the path of MediaMTX. */
  readonly path: string;
}

export interface FakeMediaMtxState {
  readonly fault: string;
  /** Commands started so far. */
  readonly commands: number;
  /** Paths whose command runs now. */
  readonly running: readonly string[];
}

/** Makes the program `mediamtx` in `folder`. */
export async function makeFakeMediaMtx(folder: string, version = '1.20.1'): Promise<FakeMediaMtx> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'mediamtx');
  const program = fileURLToPath(new URL('./fake-mediamtx-program.js', import.meta.url));
  // A real program tells its version at once, which a whole Node on a slow machine does not.
  const tell = `[ "$1" = --version ] && echo 'v${version}' && exit`;
  await writeFile(path, `#!/bin/sh\n${tell}\nexec '${process.execPath}' '${program}' '--fake=${version}' "$@"\n`);
  await chmod(path, 0o755);
  return { path };
}

/** Asks a running fake, and sets how it answers from now on: `hang` not at all, `garbage` with a page, `error` with 500. */
export async function controlFake(apiPort: number, fault?: 'none' | 'hang' | 'garbage' | 'error'): Promise<FakeMediaMtxState> {
  const response = await fetch(`http://127.0.0.1:${apiPort}/_fake${fault === undefined ? '' : `?fault=${fault}`}`);
  return (await response.json()) as FakeMediaMtxState;
}

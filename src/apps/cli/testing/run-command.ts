/** Runs a command in this process, as a person without any configuration would. */
import { WeirError } from '../../../contracts/errors.js';
import { createProgram } from '../program.js';
import { formatFailure, type Terminal } from '../terminal.js';

export interface CommandRun {
  readonly out: string;
  readonly err: string;
  /** The failure, when there was one. */
  readonly error: WeirError | undefined;
  readonly exitCode: number;
}

/** Runs `weir ARGS`; never rejects. */
export async function runCommand(args: readonly string[], environment: Readonly<Record<string, string>>, folder: string): Promise<CommandRun> {
  let [out, err] = ['', ''];
  const terminal: Terminal = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    environment,
    folder,
    exitCode: 0,
  };
  try {
    const program = await createProgram(terminal, args[0]);
    await program.parseAsync(['node', 'weir', ...args]);
    return { out, err, error: undefined, exitCode: terminal.exitCode };
  } catch (thrown) {
    const error = WeirError.from(thrown);
    return { out, err: err + formatFailure(error, args.includes('--json')), error, exitCode: terminal.exitCode };
  }
}

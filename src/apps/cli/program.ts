/** Commands, their options and help. */
import { Command, CommanderError } from 'commander';
import { WeirError } from '../../contracts/errors.js';
import { eraseOwnArguments, takeEnvironment } from '../../supervisor/index.js';
import { findConfigKey, isSecretVariable } from '../config-keys.js';
import { version } from '../version.js';
import { addRunCommands, isRunCommand } from './run-commands.js';
import { formatFailure, type Terminal } from './terminal.js';

/** Exit codes: 0 done, 1 failed, 2 wrong use, 3 not reachable, 4 refused. */
export const exitCodes = { done: 0, failed: 1, usage: 2, unreachable: 3, refused: 4 } as const;

/** Runs one command line (`argv` as Node gives it); resolves with the exit code and never rejects. */
export async function runCli(argv: readonly string[]): Promise<number> {
  eraseOwnArguments(argv.map((argument, index) => secretPart(argument, argv[index - 1])).filter((part) => part !== ''));
  const terminal: Terminal = {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    environment: takeEnvironment(isSecretVariable),
    folder: process.cwd(),
    exitCode: 0,
  };
  try {
    const program = await createProgram(terminal, argv[2]);
    await program.parseAsync([...argv]);
    return terminal.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : exitCodes.usage;
    const error = WeirError.from(thrown);
    terminal.err(formatFailure(error, argv.includes('--json')));
    return exitCodeOf(error);
  }
}

/**
 * What comes behind `://` of an address that may hold a secret (a login, a parameter, or the stream key at the end of an RTMP path), and
 * what is given as the value of something that is called a secret.
 */
function secretPart(argument: string, before = ''): string {
  if (findConfigKey(before)?.isSecret === true) return argument;
  const [, name = '', value = ''] = /^([\w.]+)=(.+)$/s.exec(argument) ?? [];
  if (/password|token$|secret/.test(name)) return value;
  const [, scheme = '', rest = ''] = /\b([a-z]+):\/\/(.*)$/is.exec(argument) ?? [];
  return /[@?]/.test(rest) || scheme.startsWith('rtmp') ? rest : '';
}

function exitCodeOf(error: WeirError): number {
  switch (error.code) {
    case 'invalid_argument':
      return exitCodes.usage;
    case 'unavailable':
    case 'deadline_exceeded':
      return exitCodes.unreachable;
    case 'unauthenticated':
    case 'permission_denied':
      return exitCodes.refused;
    default:
      return exitCodes.failed;
  }
}

/**
 * The whole tree of commands. When the first word is one that runs until it is stopped, only these: the others would lie in its memory
 * for as long as it runs.
 */
export async function createProgram(terminal: Terminal, firstWord: string | undefined): Promise<Command> {
  const program = new Command('weir')
    .description('Live video on one message bus: cameras, encoders and the picture itself speak NATS.')
    .version(version, '-V, --version')
    .option('-c, --config <file>', 'configuration file (default: weir.yaml in this folder)')
    .option('--data-dir <folder>', 'where everything that must survive is kept (default: ./data)')
    .option('--url <url>', 'hub to talk to (default: WEIR_URL, else the one of the data folder)')
    .option('--json', 'answer as JSON, for programs')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong use, 3 hub not reachable, 4 refused (sign-in or permission).')
    .showHelpAfterError('(weir --help lists all commands; weir <command> --help explains one)')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  addRunCommands(program, terminal);
  if (isRunCommand(firstWord)) return program;
  const { addClientCommands } = await import('./commands.js');
  addClientCommands(program, terminal);
  return program;
}

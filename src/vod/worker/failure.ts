/** From whatever was thrown to what the hub is told of it: is another attempt worth it, and what did FFmpeg say. */
import { type JobFailure, WeirError } from '../../contracts/index.js';

/** What {@link attemptError} puts into the facts of an error. */
interface FailureFacts {
  readonly reason?: unknown;
  readonly permanent?: unknown;
  readonly stderr?: unknown;
  readonly command?: unknown;
}

/** Faults of the request or of its source: the next attempt would meet them again. */
const permanentCodes: ReadonlySet<string> = new Set(['invalid_argument', 'permission_denied', 'not_found', 'unsupported', 'payload_too_large']);

const reasonsOfCodes: Readonly<Record<string, string>> = {
  not_found: 'source_missing',
  permission_denied: 'path_not_allowed',
  resource_exhausted: 'disk_full',
  deadline_exceeded: 'too_slow',
  unavailable: 'unavailable',
};

const maxLines = 40;

/** An error of an attempt with everything that the hub keeps of it. */
export function attemptError(
  code: WeirError['code'],
  message: string,
  facts: { reason: string; permanent?: boolean; stderr?: readonly string[]; command?: readonly string[]; cause?: unknown },
): WeirError {
  const { reason, permanent, stderr, command, cause } = facts;
  return new WeirError(code, message, {
    facts: {
      reason,
      ...(permanent === undefined ? {} : { permanent }),
      ...(stderr === undefined ? {} : { stderr }),
      ...(command === undefined ? {} : { command: commandText(command) }),
    },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What the check of a result finds again however often the same commands run; a segment that cannot be read may be the disk's fault. */
const certainFaults: ReadonlySet<unknown> = new Set(['duration_mismatch', 'frames_missing', 'out_of_sync', 'misaligned', 'not_monotonic']);

/** FFmpeg ran to its end, but the check of the result found what another run would bring again. */
export function isUnsound(error: unknown): error is WeirError {
  return error instanceof WeirError && certainFaults.has(error.facts?.reason);
}

/** The same for good, with what was run and said; any other error as it is. */
export function forGood(error: unknown, run: { readonly command: readonly string[]; readonly lines: readonly string[] }): unknown {
  if (!isUnsound(error)) return error;
  const advice = 'Nothing was published. The source is unusual: make a new file of it (ffmpeg -i FILE NEW.mp4) and send that';
  return attemptError(error.code, `${error.message}. ${advice}`, {
    reason: String(error.facts?.reason),
    permanent: true,
    stderr: run.lines,
    command: run.command,
    cause: error,
  });
}

/** The failure as the hub keeps it. A full disk is told from any other trouble with files. */
export function failureOf(thrown: unknown): JobFailure {
  const error = fromFileSystem(thrown) ?? WeirError.from(thrown);
  const facts: FailureFacts = error.facts ?? {};
  const stderr = Array.isArray(facts.stderr) ? facts.stderr.map(String).slice(-maxLines) : [];
  return {
    code: error.code,
    reason: typeof facts.reason === 'string' ? facts.reason : (reasonsOfCodes[error.code] ?? error.code),
    detail: error.message,
    permanent: typeof facts.permanent === 'boolean' ? facts.permanent : permanentCodes.has(error.code),
    stderr,
    command: typeof facts.command === 'string' ? facts.command : null,
  };
}

/** One line for people; arguments with blanks are quoted. */
export function commandText(command: readonly string[]): string {
  return command.map((part) => (/^[\w./:=,+%@~-]+$/.test(part) ? part : `'${part.replaceAll("'", `'\\''`)}'`)).join(' ');
}

function fromFileSystem(thrown: unknown): WeirError | undefined {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return attemptError('resource_exhausted', 'The disk is full', { reason: 'disk_full', permanent: false, cause: thrown });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return attemptError('permission_denied', `A folder of videos cannot be written: ${code}`, {
      reason: 'not_writable',
      permanent: false,
      cause: thrown,
    });
  }
  return undefined;
}

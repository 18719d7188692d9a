/** Failures of the resumable door: statuses of the protocol, bodies as everywhere else. */
import { errorTable, type Problem, WeirError } from '../../contracts/index.js';

/** What the protocol library throws and understands: `status_code` and `body` are its names. */
export class TusProblem extends Error {
  readonly status_code: number;
  readonly body: string;
  readonly error: WeirError;

  constructor(error: WeirError, status: number = statusOf(error)) {
    super(error.message, { cause: error });
    this.error = error;
    this.status_code = status;
    this.body = problemText(error, status);
  }
}

/** The body of a failure, as RFC 9457 has it. */
export function problemText(error: WeirError, status: number): string {
  const problem: Problem = { ...error.toProblem(), status };
  return JSON.stringify(status in titles ? { ...problem, title: titles[status] } : problem);
}

/** Anything thrown, as the answer it becomes. */
export function toTusProblem(thrown: unknown): TusProblem {
  if (thrown instanceof TusProblem) return thrown;
  const status = (thrown as { status_code?: unknown } | null)?.status_code;
  if (typeof status === 'number') {
    const text = String((thrown as { body?: unknown }).body ?? '').trim();
    return new TusProblem(new WeirError(codeOf(status), text === '' ? 'The request is not valid' : text), status);
  }
  return new TusProblem(WeirError.from(thrown));
}

const titles: Record<number, string> = {
  408: 'Too slow',
  410: 'Gone',
  412: 'Another version of the protocol',
  415: 'Unsupported media type',
  423: 'Locked',
  460: 'Checksum mismatch',
  501: 'Not supported',
  507: 'No room on the disk',
};

/** Statuses that a resumable client must be able to tell apart. */
function statusOf(error: WeirError): number {
  switch (error.facts?.reason) {
    case 'locked':
      return 423;
    // Clients take 5xx as something that passes, which this is.
    case 'disk_full':
      return 507;
    case 'too_slow':
      return 408;
    default:
      return errorTable[error.code].status;
  }
}

function codeOf(status: number): WeirError['code'] {
  const fixed: Record<number, WeirError['code']> = {
    404: 'not_found',
    409: 'failed_precondition',
    410: 'not_found',
    412: 'failed_precondition',
    413: 'payload_too_large',
    415: 'unsupported',
    423: 'unavailable',
    501: 'unsupported',
  };
  return fixed[status] ?? (status >= 500 ? 'internal' : 'invalid_argument');
}

/** The one translator from failures of NATS and JetStream to the error codes of the contracts. */
import {
  AuthorizationError,
  ClosedConnectionError,
  ConnectionError,
  DrainingConnectionError,
  InvalidArgumentError,
  InvalidSubjectError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from '@nats-io/nats-core';
import { type ErrorCode, errorCodes, errorTable, WeirError } from '../contracts/index.js';

/** Turns what the client library threw into a WeirError that names the subject and keeps the cause. */
export function fromNatsError(thrown: unknown, subject: string): WeirError {
  if (thrown instanceof WeirError) return thrown;
  const error = rootCause(thrown);
  const options = { cause: thrown };
  if (error instanceof NoRespondersError) return new WeirError('unavailable', `Nobody answers on ${subject}`, options);
  if (error instanceof TimeoutError) return new WeirError('deadline_exceeded', `No answer on ${subject} in time`, options);
  if (error instanceof PermissionViolationError) {
    return new WeirError(
      'permission_denied',
      `The bus does not allow this login to ${error.operation === 'publish' ? 'publish' : 'subscribe'} ${error.subject}`,
      options,
    );
  }
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError) {
    return new WeirError('unauthenticated', 'The bus does not accept this login (any more)', options);
  }
  if (
    error instanceof ClosedConnectionError ||
    error instanceof DrainingConnectionError ||
    error instanceof ConnectionError ||
    error instanceof RequestError
  ) {
    return new WeirError('unavailable', 'The connection to the bus is closed or was lost', options);
  }
  if (error instanceof InvalidSubjectError || error instanceof InvalidArgumentError) return new WeirError('invalid_argument', error.message, options);
  return WeirError.from(thrown);
}

function rootCause(thrown: unknown): unknown {
  return thrown instanceof RequestError && thrown.cause !== undefined ? thrown.cause : thrown;
}

/** The error object of JetStream's own answers. */
export interface JetStreamFailure {
  code: number;
  err_code?: number;
  description?: string;
}

/** JetStream's numbers that say more than their HTTP-like class; from its published error list. */
const jetStreamCodes: Record<number, ErrorCode> = {
  10013: 'already_exists', // consumer exists with other settings
  10014: 'not_found',
  10023: 'resource_exhausted',
  10028: 'resource_exhausted',
  10037: 'not_found',
  10039: 'unavailable', // JetStream is not enabled for the account
  10047: 'resource_exhausted',
  10052: 'failed_precondition',
  10054: 'payload_too_large',
  10058: 'already_exists',
  10059: 'not_found',
  10065: 'failed_precondition', // subjects overlap with another journal
  10071: 'failed_precondition', // wrong last sequence
  10076: 'unavailable',
  10077: 'resource_exhausted',
  10105: 'already_exists',
  10148: 'already_exists',
};

/** Turns an error answer of JetStream into a WeirError. */
export function fromJetStream(failure: JetStreamFailure, what: string): WeirError {
  const code = jetStreamCodes[failure.err_code ?? 0] ?? codeOfStatus(failure.code);
  return new WeirError(code, `${what}: ${failure.description ?? `JetStream error ${failure.err_code ?? failure.code}`}`, { cause: failure });
}

/** The code that stands for an HTTP-like status, as other services send it in `Nats-Service-Error-Code`. */
export function codeOfStatus(status: number): ErrorCode {
  const exact = errorCodes.find((code) => errorTable[code].status === status);
  if (exact !== undefined) return exact;
  return status >= 400 && status < 500 ? 'invalid_argument' : 'internal';
}

/** W3C trace context: made, continued and carried in headers. */
import type { Trace } from './bus.js';

const pattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Begins a trace, or makes the next span of a given one. */
export function nextSpan(parent?: Trace): Trace {
  const trace = parent === undefined ? randomHex(16) : parent.traceparent.slice(3, 35);
  const flags = parent === undefined ? '01' : parent.traceparent.slice(53, 55);
  const traceparent = `00-${trace}-${randomHex(8)}-${flags}`;
  return parent?.tracestate === undefined ? { traceparent } : { traceparent, tracestate: parent.tracestate };
}

/** The trace that a message carries; undefined when it carries none, or none that is well-formed. */
export function readTrace(header: (name: string) => string | undefined): Trace | undefined {
  const traceparent = header('traceparent');
  if (traceparent === undefined || !pattern.test(traceparent)) return undefined;
  const tracestate = header('tracestate');
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

/** The 32 hexadecimal digits that all spans of a trace share. */
export function traceId(trace: Trace): string {
  return trace.traceparent.slice(3, 35);
}

function randomHex(bytes: number): string {
  const random = globalThis.crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

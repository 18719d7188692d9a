/** `onvif://host[:port][/path]` and what stands behind it. */
import { WeirError } from '../../contracts/index.js';
import { parseSource, type SourcePolicy } from '../../media/index.js';

const usualPath = '/onvif/device_service';
const tlsPorts = new Set(['443', '8443']);

export interface OnvifAddress {
  readonly service: URL;
  /** The normal form; what the camera is known by. */
  readonly source: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Takes `onvif://` and bare `host[:port]`; throws `invalid_argument`, or `permission_denied` for a host that sources may not name. */
export function parseOnvifAddress(text: string, policy: SourcePolicy, field: string): OnvifAddress {
  const refuse = (cause?: unknown) =>
    new WeirError('invalid_argument', `${field} is no address of an ONVIF camera`, {
      field,
      received: text.replace(/\/\/.*@/s, '//***@').slice(0, 120),
      hint: 'Write onvif://host or onvif://host:port',
      cause,
    });
  const address = text.replace(/^onvif:\/\//i, '');
  if (/[\s\\]|^\//.test(address) || /^[a-z][a-z0-9+.-]*:\/\//i.test(address)) throw refuse();
  // Parsed as a web address, since an unknown scheme would be read by looser rules.
  if (!URL.canParse(`http://${address}`)) throw refuse();
  const url = new URL(`http://${address}`);
  const port = /:443(?:\/|$)/.test(address) ? '443' : url.port;
  const service = new URL(`${tlsPorts.has(port) ? 'https' : 'http'}://${url.hostname}${port === '' ? '' : `:${port}`}`);
  service.pathname = url.pathname === '/' ? usualPath : url.pathname;
  checkHost(service, policy, field);
  const plain = (part: string) => (part === '' ? undefined : decode(part));
  return { service, source: formatOnvifAddress(service), username: plain(url.username), password: plain(url.password) };
}

/** The address that is handed out and known by; default port and usual path are left out. */
export function formatOnvifAddress(service: URL): string {
  const port = service.port === '' && service.protocol === 'https:' ? '443' : service.port;
  return `onvif://${service.hostname}${port === '' ? '' : `:${port}`}${service.pathname === usualPath ? '' : service.pathname}`;
}

/** The same rules that sources of streams are held to. */
export function checkHost(service: URL, policy: SourcePolicy, field: string): void {
  try {
    parseSource(`http://${service.host}/`, policy);
  } catch (thrown) {
    const error = WeirError.from(thrown);
    throw new WeirError(error.code, error.message, {
      field,
      received: service.host,
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

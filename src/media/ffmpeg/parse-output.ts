/** The `output_url` of a stream, taken apart. */
import { WeirError } from '../../contracts/errors.js';
import { maskSecrets } from './mask.js';
import { networkKinds, refuseControl, schemeOf, takeUrlApart } from './network-address.js';
import type { Output } from './output.js';
import { isTooLongToHide } from './secret-output.js';

/** Takes an `output_url` apart; throws `invalid_argument` for anything but RTSP, RTMP and SRT. */
export function parseOutput(outputUrl: string): Output {
  refuseControl('output_url', outputUrl);
  const kind = networkKinds[schemeOf(outputUrl) ?? ''];
  if (kind === undefined || kind === 'http') {
    throw new WeirError('invalid_argument', 'output_url must start with rtsp://, rtsps://, rtmp://, rtmps:// or srt://', {
      field: 'output_url',
      received: maskSecrets(outputUrl),
    });
  }
  const output = withStreamKey(kind, takeUrlApart('output_url', outputUrl));
  if (!isTooLongToHide(output)) return output;
  throw new WeirError('invalid_argument', 'output_url has a longer key than can be kept out of the process list', {
    field: 'output_url',
    received: output.display.slice(0, 120),
  });
}

function withStreamKey(kind: Output['kind'], parts: Omit<Output, 'kind'>): Output {
  if (kind !== 'rtmp') return { kind, ...parts };
  const [, key] = /\/[^/?#]+\/([^/?#]{6,})(?:[?#]|$)/.exec(new URL(parts.url).pathname) ?? [];
  // The last part of an RTMP path is the stream key: whoever knows it may publish there.
  const secrets = key === undefined ? parts.secrets : [...parts.secrets, key];
  return { kind, ...parts, secrets, display: maskSecrets(parts.display, secrets) };
}

/** Configurations as they are shown to people: nobody reads a stored secret again, and who sends one back unread keeps it. */
import type { StreamConfig } from '../../contracts/index.js';
import { isMasked, maskDevice, maskOutputUrl, restoreAddress } from '../../media/index.js';

/** The same with `***` for the secrets in its addresses. */
export function showConfig(config: StreamConfig): StreamConfig {
  return mapAddresses(config, { device: maskDevice, output_url: maskOutputUrl });
}

/** What a configuration that may have been shown before means, where this one is stored. */
export function restoreConfig(given: StreamConfig, stored: StreamConfig): StreamConfig {
  return mapAddresses(given, {
    device: (device) => restoreAddress(device, stored.device),
    output_url: (url) => restoreAddress(url, stored.output_url),
  });
}

/**
 * Likewise, where any of these may be meant: only an address that is shown exactly so is filled in, and only when there is no doubt
 * about its secret.
 */
export function restoreFromAny(given: StreamConfig, stored: readonly StreamConfig[]): StreamConfig {
  const restore = (field: 'device' | 'output_url', mask: (address: string) => string) => (shown: string) => {
    if (!isMasked(shown)) return shown;
    const meant = new Set(stored.map((config) => config[field]).filter((address) => address !== undefined && mask(address) === shown));
    const [address] = meant;
    return meant.size === 1 && address !== undefined ? address : shown;
  };
  return mapAddresses(given, { device: restore('device', maskDevice), output_url: restore('output_url', maskOutputUrl) });
}

function mapAddresses(config: StreamConfig, map: Record<'device' | 'output_url', (address: string) => string>): StreamConfig {
  const { device, output_url: outputUrl } = config;
  return {
    ...config,
    ...(device === undefined ? {} : { device: map.device(device) }),
    ...(outputUrl === undefined ? {} : { output_url: map.output_url(outputUrl) }),
  };
}

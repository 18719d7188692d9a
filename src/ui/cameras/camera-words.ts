/** What a camera is and how it is, in words. Pure. */
import type { Camera, CameraCapabilities, CameraKind, CameraStatus } from '../../contracts/camera.js';
import type { Tone } from '../core/words.js';
import type { IconName } from '../parts/icon.js';

export const cameraTones: Record<CameraStatus, Tone> = { CONNECTED: 'ok', DISCONNECTED: 'off', ERROR: 'bad' };
export const cameraLabels: Record<CameraStatus, string> = { CONNECTED: 'Connected', DISCONNECTED: 'Disconnected', ERROR: 'Error' };

export const kindWords: Record<CameraKind, string> = {
  v4l2: 'USB or capture device',
  network: 'Network camera',
  onvif: 'ONVIF camera',
  external: 'External stream',
  test: 'Test picture',
  file: 'File',
};

export const kindIcons: Record<CameraKind, IconName> = {
  v4l2: 'usb',
  network: 'network',
  onvif: 'camera',
  external: 'drone',
  test: 'test',
  file: 'file',
};

/** Where it is plugged in or reached; empty when that is not told. */
export function placeOf(camera: Camera): string {
  if (camera.kind === 'test') return 'made by the spoke';
  const source = (camera.source ?? '').replace(/^([a-z+]+:\/\/)[^@/]*@/i, '$1');
  if (camera.spoke_id === null) return source;
  return source === '' ? `on ${camera.spoke_id}` : `${source} on ${camera.spoke_id}`;
}

/** `1280 × 720 · 30 fps`. */
export function pictureOf(camera: Camera): string {
  const parts = camera.resolution === '' || camera.resolution === '0x0' ? [] : [camera.resolution.replace('x', ' × ')];
  if (camera.fps > 0) parts.push(`${Math.round(camera.fps * 10) / 10} fps`);
  return parts.join(' · ');
}

/** Why it is not connected, and what to do; undefined while all is well. */
export function troubleOf(camera: Camera): string | undefined {
  if (camera.status === 'ERROR') return camera.error ?? 'Its capabilities could not be read, or its stream cannot run.';
  if (camera.status === 'CONNECTED') return undefined;
  return camera.kind === 'v4l2'
    ? 'Unplugged. Plug it in again, here or at another port: it keeps its name.'
    : 'It does not answer. Check its power and network.';
}

/** All sizes a camera offers, largest first, each once. */
export function sizesOf(capabilities: CameraCapabilities | null): string[] {
  const sizes = new Map<string, number>();
  for (const format of capabilities?.formats ?? []) {
    for (const { width, height } of format.sizes) sizes.set(`${width}x${height}`, width * height);
  }
  return [...sizes].sort((a, b) => b[1] - a[1]).map(([text]) => text);
}

/** Rates offered at a size, highest first; at any size when none is given. */
export function ratesOf(capabilities: CameraCapabilities | null, size: string): number[] {
  const rates = new Set<number>();
  for (const format of capabilities?.formats ?? []) {
    for (const one of format.sizes) {
      if (size === '' || `${one.width}x${one.height}` === size) for (const rate of one.frame_rates) rates.add(rate);
    }
  }
  return [...rates].sort((a, b) => b - a);
}

/** `brightness` → `Brightness`, `white_balance_temperature_auto` → `White balance temperature auto`. */
export function nameControl(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

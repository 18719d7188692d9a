/** What a key does to a video. Pure. */

export type PlayerAction =
  | { kind: 'toggle' }
  | { kind: 'seek_by'; seconds: number }
  | { kind: 'seek_to'; fraction: number }
  | { kind: 'frame'; frames: 1 | -1 }
  | { kind: 'volume'; by: number }
  | { kind: 'mute' }
  | { kind: 'full' }
  | { kind: 'captions' }
  | { kind: 'pip' }
  | { kind: 'speed'; step: 1 | -1 };

const actions: Readonly<Record<string, PlayerAction>> = {
  ' ': { kind: 'toggle' },
  k: { kind: 'toggle' },
  j: { kind: 'seek_by', seconds: -10 },
  l: { kind: 'seek_by', seconds: 10 },
  ArrowLeft: { kind: 'seek_by', seconds: -5 },
  ArrowRight: { kind: 'seek_by', seconds: 5 },
  ArrowUp: { kind: 'volume', by: 0.05 },
  ArrowDown: { kind: 'volume', by: -0.05 },
  Home: { kind: 'seek_to', fraction: 0 },
  End: { kind: 'seek_to', fraction: 1 },
  m: { kind: 'mute' },
  f: { kind: 'full' },
  c: { kind: 'captions' },
  p: { kind: 'pip' },
  '<': { kind: 'speed', step: -1 },
  '>': { kind: 'speed', step: 1 },
  ',': { kind: 'frame', frames: -1 },
  '.': { kind: 'frame', frames: 1 },
};

/** The action of a key; undefined for keys that mean nothing here. Digits go to tenths of the video. */
export function actionOfKey(key: string): PlayerAction | undefined {
  if (/^\d$/.test(key)) return { kind: 'seek_to', fraction: Number(key) / 10 };
  const name = key.length === 1 ? key.toLowerCase() : key;
  return Object.hasOwn(actions, name) ? actions[name] : undefined;
}

export const speeds = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 3] as const;

/** The next slower or faster speed; the ends stay. */
export function nextSpeed(speed: number, step: 1 | -1): number {
  if (step === 1) return speeds.find((one) => one > speed + 0.001) ?? speeds[speeds.length - 1] ?? 1;
  return speeds.findLast((one) => one < speed - 0.001) ?? speeds[0];
}

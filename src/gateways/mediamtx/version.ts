/** What a version of MediaMTX can do, of what Weir uses. */
import { WeirError } from '../../contracts/index.js';

/** Oldest version that is spoken to: the first that tells its version. */
export const oldestVersion = '1.15.2';

type VersionNumber = readonly [major: number, minor: number, patch: number];

export interface MtxVersion {
  /** As it said itself, without a leading `v`. */
  readonly text: string;
  readonly number: VersionNumber;
}

/** Feature to the first version that has it. */
const since = {
  on_demand: '1.15.2',
  recording: '1.15.2',
  status_in_errors: '1.15.5',
  /** `available` and `online` instead of `ready`. */
  available: '1.16.0',
  /** `tracks2`, `inboundBytes`, users of readers. */
  tracks2: '1.17.0',
  hls_sessions: '1.18.0',
  moq: '1.19.0',
  renamed_hooks: '1.19.3',
  forward: '1.20.0',
} as const;
export type MtxFeature = keyof typeof since;

/** Undefined for what is no version. Whatever follows the three numbers is ignored. */
export function parseVersion(text: string): MtxVersion | undefined {
  const match = /^v?(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:[-+.]|\s|$)/.exec(text.trim());
  if (match === null) return undefined;
  return { text: text.trim().replace(/^v/, ''), number: [Number(match[1]), Number(match[2]), Number(match[3])] };
}

/** True from `floor` on. */
export function isAtLeast(version: MtxVersion, floor: string): boolean {
  const wanted = parseVersion(floor)?.number ?? [0, 0, 0];
  for (const at of [0, 1, 2] as const) {
    if (version.number[at] !== wanted[at]) return version.number[at] > wanted[at];
  }
  return true;
}

export function hasFeature(version: MtxVersion, feature: MtxFeature): boolean {
  return isAtLeast(version, since[feature]);
}

/** Every feature with whether this version has it. */
export function featuresOf(version: MtxVersion): Record<MtxFeature, boolean> {
  const entries = (Object.keys(since) as MtxFeature[]).map((feature) => [feature, hasFeature(version, feature)]);
  return Object.fromEntries(entries) as Record<MtxFeature, boolean>;
}

/** Throws `unsupported` for one that is too old. A newer one than was ever tried is taken: its interface is versioned. */
export function checkVersion(version: MtxVersion): MtxVersion {
  if (isAtLeast(version, oldestVersion) && version.number[0] === 1) return version;
  throw tooOld(`MediaMTX ${version.text}`);
}

export function tooOld(what: string): WeirError {
  return new WeirError('unsupported', `${what} is not supported`, {
    hint: `Install MediaMTX ${oldestVersion} or newer of the 1.x line, or set gateway.kind to builtin`,
    facts: { feature: 'mediamtx', oldest_version: oldestVersion },
  });
}

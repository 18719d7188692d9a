/** Published weaknesses of nats-server that concern how Weir uses it, by the versions that have them. */
import { isAtLeast, type ServerVersion } from '../broker/index.js';

export interface Advisory {
  readonly id: string;
  readonly what: string;
  /** Why it does not bite here, or what to keep in mind. */
  readonly here: string;
  /** First sound version of each release line, oldest first; a line without an entry got no fix. */
  readonly fixedIn: readonly ServerVersion[];
}

const v = (major: number, minor: number, patch: number): ServerVersion => ({ major, minor, patch });

/** Newest last. */
export const advisories: readonly Advisory[] = [
  {
    id: 'CVE-2023-47090',
    what: 'clients without a login reach the global account when only system users are configured',
    here: 'the configuration that Weir writes names every account, so there is no global one',
    fixedIn: [v(2, 9, 23)],
  },
  {
    id: 'CVE-2025-30215',
    what: 'some JetStream administration requests reach into other accounts',
    here: 'Weir has one account besides the system account; do not share this server with other tenants',
    fixedIn: [v(2, 10, 27), v(2, 11, 1)],
  },
  {
    id: 'CVE-2026-27889',
    what: 'a WebSocket frame with a wrong length ends the server, without a login',
    here: 'the WebSocket listens on loopback and is reached through the hub, after sign-in',
    fixedIn: [v(2, 11, 15), v(2, 12, 6)],
  },
  {
    id: 'GHSA-8r68-gvr4-jh7j',
    what: 'a WebSocket client without a login makes the server use memory without bound',
    here: 'the WebSocket listens on loopback and is reached through the hub, after sign-in',
    fixedIn: [v(2, 11, 15), v(2, 12, 6)],
  },
  {
    id: 'CVE-2026-33222',
    what: 'the right to restore one JetStream stream restores any',
    here: 'only the hub may restore',
    fixedIn: [v(2, 11, 15), v(2, 12, 6)],
  },
];

/** Those that this version has. */
export function advisoriesFor(version: ServerVersion): Advisory[] {
  return advisories.filter(({ fixedIn }) => {
    const sameLine = fixedIn.find((fix) => fix.major === version.major && fix.minor === version.minor);
    if (sameLine !== undefined) return !isAtLeast(version, sameLine);
    const newest = fixedIn.at(-1);
    return newest !== undefined && !isAtLeast(version, newest);
  });
}

/** Who was let in, by what the gateway calls them; so that those whose right ends later can be cut off. */
import { z } from 'zod';
import { type Role, roleAllows, roles, type Session, sessionSchema } from '../contracts/index.js';
import type { GatewayPrincipal } from './gateway.js';

const admissionSchema = z.object({
  streamId: z.string(),
  role: z.enum(roles),
  principal: z.object({
    kind: z.enum(['session', 'token']),
    id: z.string(),
    session: sessionSchema,
    madeBy: z.string().optional(),
    publishes: z.boolean().optional(),
  }),
});

/** What somebody was let in for. No secret is in it: it is kept over a restart of the hub. */
export interface Admission {
  readonly streamId: string;
  /** The role that it takes. */
  readonly role: Role;
  readonly principal: GatewayPrincipal;
}

export interface AdmissionsOptions {
  readonly rightsNow: (principal: GatewayPrincipal) => Promise<Session | undefined>;
  /** As an earlier hub kept them. */
  readonly kept: Readonly<Record<string, unknown>>;
  /** Called with all of them after a change, at the next look. */
  readonly keep: (all: Readonly<Record<string, Admission>>) => void;
  /** Milliseconds; default `Date.now`. */
  readonly now?: () => number;
}

/** Whoever asked and was not seen reading so soon went away, or asked under another name first. */
const unseenMs = 60_000;
/** The oldest are forgotten beyond it. */
const most = 20_000;

export class Admissions {
  readonly #options: AdmissionsOptions;
  readonly #now: () => number;
  readonly #all = new Map<string, Admission & { unseenSince: number }>();
  #hasChanged = false;

  constructor(options: AdmissionsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    for (const [id, given] of Object.entries(options.kept)) {
      const parsed = admissionSchema.safeParse(given);
      if (parsed.success) this.#set(id, toAdmission(parsed.data));
    }
    this.#hasChanged = false;
  }

  get size(): number {
    return this.#all.size;
  }

  has(id: string): boolean {
    return this.#all.has(id);
  }

  /** `id`: as the gateway will name the reader or publisher. */
  add(id: string, admission: Admission): void {
    this.#delete(id);
    for (const oldest of this.#all.keys()) {
      if (this.#all.size < most) break;
      this.#delete(oldest);
    }
    this.#set(id, admission);
  }

  /** The same guest, under the name that is listed now. */
  rename(from: string, to: string): void {
    const admission = this.#all.get(from);
    if (admission === undefined) return;
    this.#delete(from);
    this.#set(to, admission);
  }

  /** Of those that are `present`, who may be so no longer. Asks once for each login, and forgets who has gone. */
  async over(present: ReadonlySet<string>): Promise<Set<string>> {
    this.#forgetAbsent(present);
    this.save();
    const rights = new Map<string, Promise<Session | undefined>>();
    const over = new Set<string>();
    for (const [id, { principal, role, streamId }] of [...this.#all]) {
      if (!present.has(id)) continue;
      const asked = rights.get(principal.id) ?? this.#options.rightsNow(principal);
      rights.set(principal.id, asked);
      if (!mayUse(await asked, role, streamId)) over.add(id);
    }
    return over;
  }

  /** When the next login ends by itself, in milliseconds since 1970; undefined when none does. */
  nextEnd(): number | undefined {
    const ends = [...this.#all.values()].flatMap(({ principal: { session } }) =>
      session.expires_at === null ? [] : [Date.parse(session.expires_at)],
    );
    const ahead = ends.filter((end) => end > this.#now());
    return ahead.length === 0 ? undefined : Math.min(...ahead);
  }

  /** Hands on what is to be kept; does nothing without a change. */
  save(): void {
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    const all = [...this.#all].map(([id, { streamId, role, principal }]) => [id, { streamId, role, principal }] as const);
    this.#options.keep(Object.fromEntries(all));
  }

  #forgetAbsent(present: ReadonlySet<string>): void {
    for (const [id, entry] of this.#all) {
      if (present.has(id)) entry.unseenSince = Number.POSITIVE_INFINITY;
      else if (entry.unseenSince === Number.POSITIVE_INFINITY) entry.unseenSince = this.#now();
      else if (this.#now() - entry.unseenSince > unseenMs) this.#delete(id);
    }
  }

  #set(id: string, { streamId, role, principal }: Admission): void {
    this.#all.set(id, { streamId, role, principal, unseenSince: this.#now() });
    this.#hasChanged = true;
  }

  #delete(id: string): void {
    this.#all.delete(id);
    this.#hasChanged = true;
  }
}

/** True when these rights are enough for the stream; none are for nothing. */
export function mayUse(session: Session | undefined, role: Role, streamId: string): boolean {
  return session !== undefined && (session.streams === null || session.streams.includes(streamId)) && roleAllows(session.role, role);
}

function toAdmission({ principal: { madeBy, publishes, ...principal }, ...rest }: z.output<typeof admissionSchema>): Admission {
  const stands = { ...(madeBy === undefined ? {} : { madeBy }), ...(publishes === undefined ? {} : { publishes }) };
  return { ...rest, principal: { ...principal, ...stands } };
}

/** Access control over a real store in a temp folder, with a clock that the test moves. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Role } from '../../contracts/index.js';
import { openStore, type Store } from '../../store/index.js';
import { makeTempFolder, removeFolder } from '../../testkit/index.js';
import { type Access, type AccessOptions, openAccess } from '../access.js';
import type { Caller, SignedIn } from '../principal.js';
import { openSession } from '../sessions.js';
import { newUser } from '../users.js';

export interface TestAccess {
  access: Access;
  store: Store;
  folder: string;
  /** Moves the clock on. */
  pass(ms: number): void;
  now(): number;
  /** A user that exists; its password is `<name>-password`. Cheap to hash, so that tests are quick. */
  addUser(username: string, role: Role, streams?: string[] | null): Promise<string>;
  /** With the password, as people do. */
  login(username: string, address?: string): Promise<SignedIn>;
  /** The same without the cost of the password, for tests of what comes after. */
  signIn(username: string): Promise<SignedIn>;
  /** Everything the store has written to disk. */
  bytesOnDisk(): Promise<string>;
  /** Ends this Access and opens another on the same data, as a restarted hub does. */
  restart(): Promise<Access>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openTestAccess(options: Partial<AccessOptions> = {}): Promise<TestAccess> {
  const folder = await makeTempFolder('access');
  const path = join(folder, 'weir.db');
  const store = await openStore({ path });
  let now = Date.parse('2026-03-01T00:00:00.000Z');
  const open = () => openAccess({ store, now: () => now, ...options });
  const test: TestAccess = {
    access: await open(),
    store,
    folder,
    pass(ms) {
      now += ms;
    },
    now: () => now,
    async addUser(username, role, streams = null) {
      const user = newUser({ username, role, streams }, await cheapHash(`${username}-password`), now);
      await store.users.insert(user);
      return user.user_id;
    },
    async signIn(username) {
      const user = await store.users.findByName(username);
      if (user === undefined) throw new Error(`no user ${username}`);
      const life = { idleMs: (options.sessionHours ?? 336) * 3_600_000, maxMs: (options.sessionMaxDays ?? 90) * 86_400_000 };
      return await store.transaction((tx) => openSession({ now: test.now }, life, tx, user, nobody));
    },
    login: (username, address = '192.0.2.1') => test.access.login({ username, password: `${username}-password` }, { principal: undefined, address }),
    async bytesOnDisk() {
      const files = await Promise.all([path, `${path}-wal`].map((file) => readFile(file, 'latin1')));
      return files.join('');
    },
    async restart() {
      await test.access.stop();
      test.access = await open();
      return test.access;
    },
    async [Symbol.asyncDispose]() {
      await test.access.stop();
      await store.stop();
      await removeFolder(folder);
    },
  };
  return test;
}

/** The request of somebody signed in. */
export function as(signedIn: SignedIn, address = '192.0.2.1'): Caller {
  return { principal: signedIn.principal, address };
}

export const nobody: Caller = { principal: undefined, address: '192.0.2.1' };

async function cheapHash(password: string): Promise<string> {
  const { scryptSync } = await import('node:crypto');
  const salt = Buffer.from(randomUUID());
  const key = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 });
  return `scrypt$1024$8$1$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

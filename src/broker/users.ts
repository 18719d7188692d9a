/** Who may log in to the broker, and what for. */
import { WeirError } from '../contracts/errors.js';

export type ConnectionType = 'STANDARD' | 'WEBSOCKET' | 'LEAFNODE' | 'MQTT';

interface UserRights {
  /** Subjects it may publish; an empty list means none. */
  readonly publish: readonly string[];
  /** Subjects it may subscribe; an empty list means none. */
  readonly subscribe: readonly string[];
  /** It may answer each request that it received once, within a minute. Default false. */
  readonly allowResponses?: boolean;
  /** Ways in that it may use; default: all. */
  readonly connectionTypes?: readonly ConnectionType[];
}

/** Logs in with a name and a password, which is given plain or as a bcrypt hash (`$2a$…`). */
export interface PasswordUser extends UserRights {
  readonly user: string;
  readonly password: string;
}

/** Logs in by signing with its key; `nkey` is the public one (`U…`). */
export interface NkeyUser extends UserRights {
  readonly nkey: string;
}

export type BrokerUser = PasswordUser | NkeyUser;

const subjectPattern = /^(?:(?:[^\s.*>"\\]+|\*)(?:\.(?:[^\s.*>"\\]+|\*))*(?:\.>)?|>)$/;

/** Throws `invalid_argument` naming the user when the broker would refuse the list, so that one bad entry never blocks a reload. */
export function checkUsers(users: readonly BrokerUser[]): void {
  const seen = new Set<string>();
  for (const user of users) {
    const name = userName(user);
    if (name === '' || hasControlCharacters(name)) throw new WeirError('invalid_argument', 'A bus user needs a name without control characters');
    if (seen.has(name)) throw new WeirError('invalid_argument', `The bus user ${name} is there twice`);
    seen.add(name);
    if ('nkey' in user && !/^U[A-Z2-7]{55}$/.test(user.nkey)) throw new WeirError('invalid_argument', `${name} is no public user NKey`);
    if ('password' in user && (user.password === '' || hasControlCharacters(user.password))) {
      throw new WeirError('invalid_argument', `The bus user ${name} needs a password without control characters`);
    }
    // The server knows `$2a$` only and would take another hash for the password itself.
    if ('password' in user && /^\$2[bxy]?\$/.test(user.password)) {
      throw new WeirError('invalid_argument', `The password hash of the bus user ${name} must be of the kind $2a$`);
    }
    const wrong = [...user.publish, ...user.subscribe].find((subject) => !subjectPattern.test(subject));
    if (wrong !== undefined) throw new WeirError('invalid_argument', `The bus user ${name} has a faulty subject: ${wrong.slice(0, 120)}`);
  }
}

export function userName(user: BrokerUser): string {
  return 'nkey' in user ? user.nkey : user.user;
}

function hasControlCharacters(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text);
}

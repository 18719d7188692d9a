/** `weir user`, `weir token`, `weir bus user`: also without a running hub, on its own machine. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { parseWith, WeirError } from '../../contracts/errors.js';
import { createBusUserSchema, createTokenSchema, createUserSchema, type User, updateUserSchema } from '../../contracts/index.js';
import { answer as answerWith } from './answer.js';
import { askHidden, firstLine } from './ask.js';
import { type Client, openAccessClient } from './client.js';
import { formatTable, type Terminal } from './terminal.js';
import { toSeconds, words } from './words.js';

interface RightsFlags {
  readonly role?: string;
  readonly streams?: string;
}

/** Adds them. */
export function addAccessCommands(program: Command, terminal: Terminal): void {
  addUserCommands(program, terminal);
  addTokenCommands(program, terminal);
  addBusUserCommands(program, terminal);
}

/** Access control works without a running hub too. */
function answer<T>(command: Command, terminal: Terminal, work: (client: Client) => Promise<T>, show: (result: T) => string): Promise<void> {
  return answerWith(command, terminal, work, show, openAccessClient);
}

function addUserCommands(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('people who may sign in');
  user
    .command('add <name>')
    .description('add a user; the password is asked for, or read from standard input')
    .requiredOption('--role <role>', 'viewer, operator or admin')
    .option('--streams <ids>', 'comma-separated; only these streams (default: all)')
    .option('--generate', 'make a password and show it once')
    .addHelpText(
      'after',
      '\nExamples:\n  weir user add anna --role admin\n  echo "$PASSWORD" | weir user add kiosk --role viewer --streams front,back',
    )
    .action(async (name: string, options: RightsFlags & { generate?: boolean }, command: Command) => {
      const { password, shown } = await choosePassword(options.generate === true);
      const body = parseWith(createUserSchema, { username: name, password, role: options.role, ...streamsOf(options.streams) });
      const withPassword = (made: User) => (shown ? { ...made, password } : made);
      await answer(
        command,
        terminal,
        async (client) => withPassword(await client.call('create_user', { body })),
        (made) => `${made.username} may sign in as ${made.role}${shown ? `\npassword: ${password}` : ''}\n`,
      );
    });
  user
    .command('list')
    .description('all users')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_users'),
        ({ items }) =>
          formatTable(
            ['NAME', 'ROLE', 'STREAMS', 'LAST SIGN-IN', ''],
            items.map((one) => [
              one.username,
              one.role,
              one.streams?.join(',') ?? 'all',
              one.last_login_at ?? 'never',
              one.disabled ? 'disabled' : '',
            ]),
          ),
      ),
    );
  user
    .command('update <name>')
    .description('change role, streams or password, disable or enable; holds for open sessions at once')
    .option('--role <role>', 'viewer, operator or admin')
    .option('--streams <ids>', 'comma-separated; "all": no limit')
    .option('--password', 'ask for a new password')
    .option('--disable', 'refuse to let the user in')
    .option('--enable', 'let the user in again')
    .addHelpText('after', '\nExamples:\n  weir user update anna --role operator\n  weir user update anna --password')
    .action(async (name: string, options: RightsFlags & { password?: boolean; disable?: boolean; enable?: boolean }, command: Command) => {
      const body = parseWith(updateUserSchema, {
        ...(options.role === undefined ? {} : { role: options.role }),
        ...streamsOf(options.streams),
        ...(options.password === true ? { password: (await choosePassword(false)).password } : {}),
        ...(options.disable === true ? { disabled: true } : options.enable === true ? { disabled: false } : {}),
      });
      if (Object.keys(body).length === 0)
        throw new WeirError('invalid_argument', 'Nothing to change was given', { hint: 'See `weir user update --help`' });
      await answer(
        command,
        terminal,
        async (client) => client.call('update_user', { params: { user_id: await userIdOf(client, name) }, body }),
        (one) => `${one.username} is changed\n`,
      );
    });
  user
    .command('delete <name>')
    .description('delete a user and all of its sessions')
    .action((name: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        async (client) => client.call('delete_user', { params: { user_id: await userIdOf(client, name) } }),
        () => `${name} is deleted\n`,
      ),
    );
}

function addTokenCommands(program: Command, terminal: Terminal): void {
  const token = program.command('token').description('API tokens for programs');
  token
    .command('create [name]')
    .description('make a token and print its secret, this once (default name: its role)')
    .requiredOption('--role <role>', 'viewer, operator or admin')
    .option('--streams <ids>', 'comma-separated; only these streams (default: all)')
    .option('--expires-in <time>', 'seconds, or 12h, 30d (default: does not expire)')
    .addHelpText(
      'after',
      '\nExamples:\n  weir token create --role operator\n  weir token create prometheus --role viewer\n  export WEIR_TOKEN=$(weir token create deploy --role operator --expires-in 30d)',
    )
    .action((name: string | undefined, options: RightsFlags & { expiresIn?: string }, command: Command) => {
      const expires = options.expiresIn === undefined ? {} : { expires_in_s: toSeconds(options.expiresIn, 'expires-in') };
      const body = parseWith(createTokenSchema, { name: name ?? options.role, role: options.role, ...streamsOf(options.streams), ...expires });
      return answer(
        command,
        terminal,
        (client) => client.call('create_token', { body }),
        (made) => `${made.secret}\n`,
      );
    });
  token
    .command('list')
    .description('all tokens, without their secrets')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_tokens'),
        ({ items }) =>
          formatTable(
            ['TOKEN', 'NAME', 'ROLE', 'STREAMS', 'EXPIRES', 'LAST USED'],
            items.map((one) => [
              one.token_id,
              one.name,
              one.role,
              one.streams?.join(',') ?? 'all',
              one.expires_at ?? 'never',
              one.last_used_at ?? 'never',
            ]),
          ),
      ),
    );
  token
    .command('revoke <id>')
    .description('revoke a token, by its id or its name when only one has it')
    .action((id: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        async (client) => client.call('delete_token', { params: { token_id: await tokenIdOf(client, id) } }),
        () => `${id} is revoked\n`,
      ),
    );
}

interface BusUserFlags {
  readonly spokeOf?: string;
  readonly vodWorker?: boolean;
  readonly videoPublisher?: boolean;
  readonly role?: string;
  readonly replay?: boolean;
  readonly publish?: string[];
  readonly subscribe?: string[];
}

function addBusUserCommands(program: Command, terminal: Terminal): void {
  const user = program.command('bus').description('plain NATS clients').command('user').description('logins of plain NATS clients');
  user
    .command('add <name>')
    .description('admit a plain NATS client; its password is shown once')
    .option('--spoke-of <ids>', 'comma-separated; may serve these streams as a spoke')
    .option('--vod-worker', 'may work on videos as a worker elsewhere')
    .option('--video-publisher', 'may have videos processed, and hears how it goes')
    .option('--role <role>', 'viewer or operator: may watch, or also command, all streams')
    .option('--replay', 'may also read the journals (METRICS, LOGS, EVENTS) with any JetStream client; only for programs you trust')
    .option('--publish <subjects...>', 'may publish these subjects')
    .option('--subscribe <subjects...>', 'may subscribe these subjects')
    .addHelpText(
      'after',
      '\nExamples:\n  weir bus user add cam1 --spoke-of stream1\n  weir bus user add encoder2 --vod-worker\n  weir bus user add shop --video-publisher\n  weir bus user add grafana --role viewer --replay\n  weir bus user add door --publish "site.door.>"',
    )
    .action((name: string, options: BusUserFlags, command: Command) => {
      const { spokeOf, vodWorker, videoPublisher, ...rest } = options;
      const body = parseWith(createBusUserSchema, {
        name,
        ...(spokeOf === undefined ? {} : { spoke_of: words(spokeOf) }),
        ...(vodWorker === undefined ? {} : { vod_worker: vodWorker }),
        ...(videoPublisher === undefined ? {} : { video_publisher: videoPublisher }),
        ...rest,
      });
      return answer(
        command,
        terminal,
        (client) => client.call('create_bus_user', { body }),
        (made) => `NATS_USER=${made.name}\nNATS_PASSWORD=${made.password}\n`,
      );
    });
  user
    .command('list')
    .description('all plain NATS clients')
    .action((_options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('list_bus_users'),
        ({ items }) =>
          formatTable(
            ['NAME', 'PUBLISH', 'SUBSCRIBE'],
            items.map((one) => [one.name, one.publish.join(' '), one.subscribe.join(' ')]),
          ),
      ),
    );
  user
    .command('remove <name>')
    .description('revoke a plain NATS client; its connections are cut')
    .action((name: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('delete_bus_user', { params: { name } }),
        () => `${name} is removed\n`,
      ),
    );
}

function streamsOf(text: string | undefined): { streams?: string[] | null } {
  if (text === undefined) return {};
  return { streams: text === 'all' ? null : words(text) };
}

async function userIdOf(client: Client, name: string): Promise<string> {
  const { items } = await client.call('list_users');
  const found = items.find((one) => one.username.toLowerCase() === name.toLowerCase() || one.user_id === name);
  if (found === undefined) throw new WeirError('not_found', `There is no user ${name}`, { hint: '`weir user list` shows all' });
  return found.user_id;
}

async function tokenIdOf(client: Client, wanted: string): Promise<string> {
  const { items } = await client.call('list_tokens');
  const found = items.filter((one) => one.token_id === wanted || one.name === wanted);
  const [only] = found;
  if (only === undefined) throw new WeirError('not_found', `There is no token ${wanted}`, { hint: '`weir token list` shows all' });
  if (found.length > 1) throw new WeirError('failed_precondition', `${found.length} tokens are called ${wanted}`, { hint: 'Name it by its id' });
  return only.token_id;
}

/** Asked for twice on a terminal without showing it; else the first line of standard input. */
async function choosePassword(generate: boolean): Promise<{ password: string; shown: boolean }> {
  if (generate) return { password: randomBytes(15).toString('base64url'), shown: true };
  if (process.stdin.isTTY !== true) return { password: await firstLine(), shown: false };
  const password = await askHidden('Password: ');
  if ((await askHidden('Again: ')) !== password) throw new WeirError('invalid_argument', 'The two passwords differ', { field: 'password' });
  return { password, shown: false };
}

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Session, settingsSchema, settingsVersionSchema, WeirError } from '../../contracts/index.js';
import { openStore, type Store } from '../../store/index.js';
import { silentLogger } from '../../telemetry/index.js';
import { waitFor, withTempFolder } from '../../testkit/index.js';
import { loadConfig } from '../config.js';
import { type Settings, type SettingsAlerts, startSettings } from './index.js';

const session: Session = { user_id: 'u1', username: 'anna', role: 'admin', streams: null, expires_at: null };
const call = { signal: new AbortController().signal };

interface Bench {
  readonly folder: string;
  readonly file: string;
  readonly store: Store;
  readonly settings: Settings;
  /** Open alerts, by kind. */
  readonly open: Map<string, string>;
  change(changes: Record<string, unknown>, more?: { version?: number; dry_run?: boolean; comment?: string }): ReturnType<Settings['change']>;
  restore(version: number): ReturnType<Settings['change']>;
  shown(): ReturnType<Settings['operations']['get_settings']>;
  versions(): Promise<Awaited<ReturnType<Settings['operations']['list_settings_versions']>>['items']>;
  write(text: string): void;
}

interface Start {
  readonly yaml?: string;
  readonly environment?: Record<string, string>;
  readonly flags?: Record<string, unknown>;
  readonly lookMs?: number;
}

async function withSettings(start: Start, body: (bench: Bench) => Promise<void>): Promise<void> {
  await withTempFolder(async (folder) => {
    const file = join(folder, 'weir.yaml');
    mkdirSync(join(folder, start.environment?.WEIR_DATA_DIR ?? 'data'));
    if (start.yaml !== undefined) writeFileSync(file, start.yaml);
    await using store = await openStore({ path: join(folder, 'weir.db') });
    const open = new Map<string, string>();
    const alerts: SettingsAlerts = {
      raise: ({ kind, message }) => void open.set(kind, message),
      clear: (kind) => void open.delete(kind),
    };
    const inputs = { environment: start.environment ?? {}, flags: start.flags ?? {}, folder };
    await using settings = await startSettings({
      inputs,
      loaded: loadConfig(inputs),
      store,
      alerts,
      log: silentLogger,
      debounceMs: 20,
      lookMs: start.lookMs ?? 60_000,
    });
    const { operations } = settings;
    const nothing = { params: undefined, query: undefined, body: undefined };
    await body({
      folder,
      file,
      store,
      settings,
      open,
      change: (changes, more = {}) => operations.change_settings(session, { ...nothing, body: { changes, ...more } }, call),
      restore: (version) => operations.restore_settings(session, { ...nothing, params: { version } }, call),
      shown: async () => settingsSchema.parse(await operations.get_settings(session, nothing, call)),
      versions: async () => {
        const { items } = await operations.list_settings_versions(session, { ...nothing, query: { limit: 100 } }, call);
        return items.map((item) => settingsVersionSchema.parse(item));
      },
      write: (text) => writeFileSync(file, text),
    });
  });
}

const fails = (code: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WeirError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

test('a change by hand is in effect soon after, for who listens, and in the history with its editor', async () => {
  await withSettings({ yaml: 'log:\n  level: info\n' }, async ({ settings, write, versions, store }) => {
    const heard: unknown[] = [];
    settings.onChange('log', ({ now, before, keys }) => void heard.push([now.level, before.level, keys]));
    write('log:\n  level: debug\n');
    await waitFor(() => settings.current().log.level === 'debug');
    assert.deepEqual(heard, [['debug', 'info', ['log.level']]]);
    const [newest, first] = await waitFor(async () => (await versions()).length === 2 && versions());
    assert.deepEqual([first?.version, first?.actor, first?.comment], [1, 'file', 'as found at the first start']);
    assert.deepEqual([newest?.version, newest?.actor, newest?.outcome], [2, 'file', 'applied']);
    assert.deepEqual(newest?.changes, [{ key: 'log.level', before: 'info', after: 'debug', applies: 'at_once' }]);
    const events = await store.outbox.next(10);
    assert.deepEqual(
      events.map(({ name, message }) => [name, (message as { entity: string; revision: number }).entity, (message as { revision: number }).revision]),
      [
        ['system_config', 'config', 1],
        ['system_config', 'config', 2],
      ],
    );
  });
});

const ways: [name: string, write: (file: string, text: string) => void][] = [
  ['in its place', (file, text) => writeFileSync(file, text)],
  [
    'beside and renamed over it, as editors do',
    (file, text) => {
      writeFileSync(`${file}~`, text);
      renameSync(`${file}~`, file);
    },
  ],
  [
    'deleted and made again',
    (file, text) => {
      rmSync(file);
      writeFileSync(file, text);
    },
  ],
  [
    'moved away as a backup first',
    (file, text) => {
      renameSync(file, `${file}.bak`);
      writeFileSync(file, text);
    },
  ],
];
for (const [name, write] of ways) {
  test(`a file written ${name} is taken up, twice in a row`, async () => {
    await withSettings({ yaml: 'log:\n  level: info\n' }, async ({ settings, file, open }) => {
      settings.onChange('log', () => undefined);
      write(file, 'log:\n  level: debug\n');
      await waitFor(() => settings.current().log.level === 'debug');
      write(file, 'log:\n  level: error\n');
      await waitFor(() => settings.current().log.level === 'error');
      assert.deepEqual([...open], []);
    });
  });
}

test('a link that is switched over, as Kubernetes does with mounted files, is taken up', async () => {
  await withTempFolder(async (folder) => {
    const mount = join(folder, 'etc');
    for (const [version, level] of [
      ['..1', 'info'],
      ['..2', 'debug'],
    ] as const) {
      mkdirSync(join(mount, version), { recursive: true });
      writeFileSync(join(mount, version, 'weir.yaml'), `log: { level: ${level} }\n`);
    }
    symlinkSync('..1', join(mount, '..data'));
    symlinkSync('..data/weir.yaml', join(mount, 'weir.yaml'));
    await using store = await openStore({ path: ':memory:' });
    const inputs = { environment: {}, file: join(mount, 'weir.yaml'), folder };
    const alerts = { raise: () => undefined, clear: () => undefined };
    await using settings = await startSettings({ inputs, loaded: loadConfig(inputs), store, alerts, log: silentLogger, debounceMs: 20 });
    settings.onChange('log', () => undefined);
    symlinkSync('..2', join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    await waitFor(() => settings.current().log.level === 'debug');
  });
});

test('what no event tells is found by looking', async () => {
  await withTempFolder(async (elsewhere) => {
    writeFileSync(join(elsewhere, 'real.yaml'), 'log: { level: info }\n');
    await withSettings({ lookMs: 30 }, async ({ settings, file }) => {
      settings.onChange('log', () => undefined);
      symlinkSync(join(elsewhere, 'real.yaml'), file);
      await waitFor(async () =>
        settings.operations
          .get_settings(session, { params: undefined, query: undefined, body: undefined }, call)
          .then((shown) => shown.file === file),
      );
      writeFileSync(join(elsewhere, 'real.yaml'), 'log: { level: debug }\n');
      await waitFor(() => settings.current().log.level === 'debug');
    });
  });
});

test('a faulty file changes nothing and raises one alert with place, key and value, which goes when the file is mended', async () => {
  await withSettings({ yaml: 'log:\n  level: info\n' }, async ({ settings, write, open, file, shown, versions }) => {
    settings.onChange('log', () => undefined);
    write('log:\n  level: debug\nhttp:\n  port: eighty\n');
    const message = await waitFor(() => open.get('config_invalid'));
    assert.ok(message.includes(`${file}:4:9: http.port: `), message);
    assert.match(message, /received "eighty"/);
    assert.equal(settings.current().log.level, 'info');
    assert.equal((await shown()).problem, message);
    write('log:\n  level: [\n');
    await waitFor(() => open.get('config_invalid')?.startsWith(`${file}:`));
    write('log:\n  level: debug\n');
    await waitFor(() => settings.current().log.level === 'debug');
    assert.deepEqual([[...open], (await shown()).problem], [[], null]);
    assert.equal((await versions()).length, 2);
  });
});

test('a file that vanishes is no wish for defaults; it is told, and can be restored', async () => {
  await withSettings({ yaml: '# kept\nlog:\n  level: debug\n' }, async ({ settings, file, open, change, restore }) => {
    rmSync(file);
    assert.match(await waitFor(() => open.get('config_invalid')), /weir\.yaml is gone/);
    assert.equal(settings.current().log.level, 'debug');
    await assert.rejects(change({ 'log.level': 'info' }), fails('failed_precondition', /is gone/));
    await restore(1);
    assert.equal(readFileSync(file, 'utf8'), '# kept\nlog:\n  level: debug\n');
    assert.deepEqual([...open], []);
  });
});

test('a change through the API keeps comments and mode, is in effect, noted with its author, and leaves no second version behind', async () => {
  await withSettings({ yaml: '# door\nlog:\n  level: info # quiet\n' }, async ({ settings, file, change, versions, store }) => {
    chmodSync(file, 0o640);
    settings.onChange('log', () => undefined);
    const answer = await change({ 'log.level': 'debug', 'http.port': '8081' }, { comment: 'look closer' });
    assert.deepEqual(answer, {
      version: 2,
      changes: [
        { key: 'http.port', before: 8080, after: 8081, applies: 'restart' },
        { key: 'log.level', before: 'info', after: 'debug', applies: 'at_once' },
      ],
      needs_restart: ['http.port'],
    });
    assert.equal(readFileSync(file, 'utf8'), '# door\nlog:\n  level: debug # quiet\nhttp:\n  port: 8081\n');
    assert.equal(statSync(file).mode & 0o777, 0o640);
    assert.deepEqual([settings.current().log.level, settings.current().http.port], ['debug', 8080]);
    await settings.reload();
    const [newest, ...older] = await versions();
    assert.equal(older.length, 1);
    assert.deepEqual([newest?.actor, newest?.comment, newest?.outcome], ['anna', 'look closer', 'needs_restart']);
    assert.match(JSON.stringify((await store.outbox.next(10)).at(-1)?.message), /"actor":"u1"/);
  });
});

test('what waits for a restart is shown beside what runs, and is gone when taken back', async () => {
  await withSettings({}, async ({ change, shown }) => {
    await change({ 'http.port': 9000 });
    const state = await shown();
    const port = state.settings.find((one) => one.key === 'http.port');
    assert.deepEqual([port?.value, port?.pending, port?.default, port?.applies], [8080, 9000, 8080, 'restart']);
    assert.deepEqual(state.needs_restart, ['http.port']);
    assert.deepEqual((await change({ 'http.port': null })).needs_restart, []);
    assert.equal((await shown()).settings.find((one) => one.key === 'http.port')?.pending, undefined);
  });
});

test('a key that could be applied at once but that nobody follows is told as needing a restart', async () => {
  await withSettings({}, async ({ settings, change, shown }) => {
    settings.onChange('gateway', () => undefined, ['gateway.close_after_s']);
    const answer = await change({ 'gateway.close_after_s': 5, 'gateway.start_timeout_s': 6 });
    assert.deepEqual(answer.needs_restart, ['gateway.start_timeout_s']);
    assert.deepEqual([settings.current().gateway.close_after_s, settings.current().gateway.start_timeout_s], [5, 10]);
    const applies = new Map((await shown()).settings.map((one) => [one.key, one.applies]));
    assert.deepEqual([applies.get('gateway.close_after_s'), applies.get('gateway.start_timeout_s')], ['at_once', 'restart']);
  });
});

test('without a file one is made in the data folder, for its owner only, and found again', async () => {
  await withSettings({ environment: { WEIR_DATA_DIR: 'kept' } }, async ({ folder, settings, change, shown }) => {
    assert.deepEqual([(await shown()).file, (await shown()).writable], [null, true]);
    settings.onChange('log', () => undefined);
    await change({ 'log.level': 'debug' });
    const made = join(folder, 'kept', 'weir.yaml');
    assert.equal((await shown()).file, made);
    assert.equal(statSync(made).mode & 0o777, 0o600);
    writeFileSync(made, 'log: { level: error }\n');
    await waitFor(() => settings.current().log.level === 'error');
  });
});

const refusals: [name: string, changes: Record<string, unknown>, code: string, text: RegExp, hint: RegExp][] = [
  ['an unknown key', { 'http.prot': 1 }, 'invalid_argument', /http\.prot: is no setting/, /http\.port/],
  ['a section', { 'http.tls': 1 }, 'invalid_argument', /http\.tls: is no setting/, /http\.tls\.cert_file/],
  ['a word for a port', { 'http.port': 'x' }, 'invalid_argument', /http\.port: /, /a whole number from -1 to 65535/],
  ['true for a port', { 'http.port': true }, 'invalid_argument', /http\.port: use a number/, /whole number/],
  ['a level that there is not', { 'log.level': 'loud' }, 'invalid_argument', /log\.level: /, /debug, info, warning, error/],
  ['the mask of a secret', { 'nats.password': '***' }, 'invalid_argument', /stands for a secret/, /Send the secret itself/],
  ['the mask in an address', { 'database.url': 'postgres://***@h/x' }, 'invalid_argument', /stands for a secret/, /Send/],
  ['a secret of the environment', { 'access.admin_password': 'long enough' }, 'failed_precondition', /environment only/, /WEIR_ADMIN_PASSWORD/],
  ['what the environment decides', { 'http.host': '::1' }, 'failed_precondition', /set by environment WEIR_HTTP_HOST/, /Take it out/],
  ['what a flag decides', { 'nats.port': null }, 'failed_precondition', /set by flag --port/, /Take it out/],
  ['what does not go together', { 'storage.warn_percent': 95 }, 'invalid_argument', /must be below storage\.block_percent/, /weir config/],
];
for (const [name, changes, code, text, hint] of refusals) {
  test(`refuses to change ${name}, and leaves the file alone`, async () => {
    const start = { yaml: 'log: {}\n', environment: { WEIR_HTTP_HOST: '127.0.0.1' }, flags: { 'nats.port': '-1' } };
    await withSettings(start, async ({ change, file, versions }) => {
      await assert.rejects(change(changes), (error: unknown) => {
        fails(code, text)(error);
        assert.match((error as WeirError).hint ?? '', hint);
        assert.doesNotMatch(JSON.stringify((error as WeirError).toProblem()), /long enough/);
        return true;
      });
      assert.equal(readFileSync(file, 'utf8'), 'log: {}\n');
      assert.equal((await versions()).length, 1);
    });
  });
}

test('every faulty key of a change is named', async () => {
  await withSettings({}, async ({ change }) => {
    await assert.rejects(change({ 'http.port': 'x', 'log.level': 'loud' }), (error: unknown) => {
      assert.deepEqual(
        (error as WeirError).errors.map(({ field, received }) => [field, received]),
        [
          ['http.port', 'x'],
          ['log.level', 'loud'],
        ],
      );
      return true;
    });
  });
});

test('a dry run tells and does nothing; a change that changes nothing makes no version', async () => {
  await withSettings({ yaml: 'log:\n  level: info\n' }, async ({ settings, change, file, versions }) => {
    settings.onChange('log', () => undefined);
    const told = await change({ 'log.level': 'debug', 'http.port': 1 }, { dry_run: true });
    assert.deepEqual([told.version, told.changes.length, told.needs_restart], [1, 2, ['http.port']]);
    assert.equal((await change({ 'log.level': 'info' })).version, 1);
    assert.deepEqual([readFileSync(file, 'utf8'), settings.current().log.level, (await versions()).length], ['log:\n  level: info\n', 'info', 1]);
  });
});

test('of two changes from the same version one is refused; a hand edit counts as a change', async () => {
  await withSettings({ yaml: 'log: {}\n' }, async ({ change, write }) => {
    const results = await Promise.allSettled([change({ 'http.port': 1 }, { version: 1 }), change({ 'http.port': 2 }, { version: 1 })]);
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected'],
    );
    write('log: {}\nhttp:\n  port: 3\n');
    await assert.rejects(change({ 'http.port': 4 }, { version: 2 }), fails('failed_precondition', /at version 3, not 2/));
  });
});

test('a listener that fails takes the whole change back: file, other listeners, what runs; the attempt is noted', async () => {
  await withSettings({ yaml: 'log:\n  level: info # quiet\n' }, async ({ settings, change, file, versions, shown }) => {
    const levels: string[] = [];
    settings.onChange('log', ({ now }) => void levels.push(now.level));
    settings.onChange('storage', ({ now }) => {
      if (now.warn_percent === 33) throw new WeirError('unsupported', 'no such disk', { hint: 'plug it in' });
    });
    await assert.rejects(change({ 'log.level': 'debug', 'storage.warn_percent': 33 }), (error: unknown) => {
      fails('failed_precondition', /storage\.warn_percent could not be applied: no such disk/)(error);
      assert.equal((error as WeirError).hint, 'plug it in');
      return true;
    });
    assert.deepEqual(levels, ['debug', 'info']);
    assert.equal(settings.current().log.level, 'info');
    assert.equal(readFileSync(file, 'utf8'), 'log:\n  level: info # quiet\n');
    const [attempt] = await versions();
    assert.deepEqual([attempt?.outcome, attempt?.version], ['rejected', 2]);
    assert.match(attempt?.detail ?? '', /no such disk/);
    assert.deepEqual([(await shown()).version, (await shown()).problem], [2, null]);
  });
});

test('a hand edit that a listener refuses leaves the file, and says why', async () => {
  await withSettings({ yaml: 'log: {}\n' }, async ({ settings, write, file, open, versions }) => {
    settings.onChange('storage', () => Promise.reject(new Error('no such disk')));
    write('storage:\n  warn_percent: 33\n');
    assert.match(await waitFor(() => open.get('config_invalid')), /no such disk/);
    assert.equal(settings.current().storage.warn_percent, 80);
    assert.equal(readFileSync(file, 'utf8'), 'storage:\n  warn_percent: 33\n');
    const [attempt] = await waitFor(async () => (await versions()).length === 2 && versions());
    assert.equal(attempt?.outcome, 'rejected');
    await settings.reload();
    assert.equal((await versions()).length, 2);
    write('log: {}\n');
    await waitFor(() => open.size === 0);
  });
});

test('going back restores what a version said, keeps comments, and is a version itself', async () => {
  await withSettings({ yaml: '# mine\nlog:\n  level: info\n' }, async ({ settings, change, restore, file, versions }) => {
    settings.onChange('log', () => undefined);
    await change({ 'log.level': 'debug', 'http.port': 8081 });
    await change({ 'log.level': 'error', 'snapshots.quality': 50 });
    const answer = await restore(2);
    assert.deepEqual(
      answer.changes.map(({ key, before, after }) => [key, before, after]),
      [
        ['snapshots.quality', 50, 90],
        ['log.level', 'error', 'debug'],
      ],
    );
    assert.deepEqual([answer.version, settings.current().log.level], [4, 'debug']);
    assert.equal(readFileSync(file, 'utf8'), '# mine\nlog:\n  level: debug\nhttp:\n  port: 8081\n');
    assert.equal((await versions())[0]?.comment, 'back to version 2');
    await restore(1);
    assert.equal(readFileSync(file, 'utf8'), '# mine\nlog:\n  level: info\n');
    await assert.rejects(restore(99), fails('not_found', /no version 99/));
  });
});

test('going back mends a broken file', async () => {
  await withSettings({ yaml: 'log:\n  level: debug\n' }, async ({ restore, write, open, file }) => {
    write('log: [\n');
    await waitFor(() => open.has('config_invalid'));
    await restore(1);
    assert.equal(readFileSync(file, 'utf8'), 'log:\n  level: debug\n');
    assert.deepEqual([...open], []);
  });
});

const faultyFiles: [what: string, text: string, message: RegExp][] = [
  ['a value', 'log:\n  level: info\nstorage:\n  check_s: often\n', /weir\.yaml:4:\d+: storage\.check_s: .*expected number.*received "often"/],
  ['a key', 'log:\n  levle: info\n', /weir\.yaml:2:\d+: log\.levle: is no setting/],
  ['the syntax', 'log:\n  level: [info\n', /weir\.yaml.*3/],
];

for (const [what, text, message] of faultyFiles) {
  test(`a change beside a fault in the file (${what}) is refused as a fault of the file, with its line, and not of what was sent`, async () => {
    await withSettings({ yaml: 'log:\n  level: info\n' }, async ({ file, change, write, versions }) => {
      write(text);
      for (const more of [{}, { dry_run: true }]) {
        await assert.rejects(change({ 'rpc.max_connections': 7 }, more), (error) => {
          assert.ok(error instanceof WeirError);
          assert.equal(error.code, 'failed_precondition');
          assert.match(error.message, message);
          assert.deepEqual([error.errors, error.facts], [[], { file }]);
          assert.match(error.hint ?? '', /restore 1/);
          return true;
        });
      }
      assert.equal(readFileSync(file, 'utf8'), text);
      assert.equal((await versions()).length, 1);
    });
  });
}

test('a change of the very key that is at fault mends the file; one that is wrong itself is told so', async () => {
  await withSettings({ yaml: 'log:\n  level: info\n' }, async ({ file, change, write, shown }) => {
    write('storage:\n  check_s: often\n');
    await change({ 'storage.check_s': 9 });
    assert.match(readFileSync(file, 'utf8'), /check_s: 9/);
    assert.equal((await shown()).problem, null);
    await assert.rejects(change({ 'storage.warn_percent': 99, 'storage.block_percent': 90 }), fails('invalid_argument', /warn_percent/));
  });
});

test('secrets are shown nowhere, kept in no version, and stay when going back', async () => {
  const yaml = 'nats:\n  url: nats://user:inurl-secret@h:4222\n';
  await withSettings({ yaml }, async ({ change, restore, shown, versions, file, store }) => {
    const answer = await change({ 'gateway.api_password': 'gateway-secret', 'gateway.api_user': 'weir' });
    await change({ 'gateway.api_user': 'other' });
    await restore(2);
    assert.match(readFileSync(file, 'utf8'), /gateway-secret/);
    await restore(1);
    assert.match(readFileSync(file, 'utf8'), /gateway-secret/);
    const everything = JSON.stringify([answer, await shown(), await versions(), await store.settings_versions.get(2), await store.outbox.next(100)]);
    assert.doesNotMatch(everything, /gateway-secret|inurl-secret/);
    assert.deepEqual(
      answer.changes.find((one) => one.key === 'gateway.api_password'),
      {
        key: 'gateway.api_password',
        before: null,
        after: '***',
        applies: 'restart',
      },
    );
  });
});

test('an alert that the hub before left open is over once a hub starts with a sound file', async () => {
  await withTempFolder(async (folder) => {
    await using store = await openStore({ path: ':memory:' });
    const cleared: string[] = [];
    const inputs = { environment: {}, folder };
    const alerts = { raise: () => assert.fail('raised'), clear: (kind: string) => void cleared.push(kind) };
    await using settings = await startSettings({ inputs, loaded: loadConfig(inputs), store, alerts, log: silentLogger });
    await settings.reload();
    assert.deepEqual(cleared, ['config_invalid']);
  });
});

test('what was changed while no hub ran is noted at the next start', async () => {
  await withTempFolder(async (folder) => {
    const file = join(folder, 'weir.yaml');
    const inputs = { environment: {}, folder };
    const start = async () => {
      const store = await openStore({ path: join(folder, 'weir.db') });
      const alerts = { raise: () => undefined, clear: () => undefined };
      const settings = await startSettings({ inputs, loaded: loadConfig(inputs), store, alerts, log: silentLogger });
      await settings.stop();
      const { items } = await store.settings_versions.list({ limit: 10 });
      await store.stop();
      return items;
    };
    assert.equal((await start()).length, 1);
    assert.equal((await start()).length, 1);
    writeFileSync(file, 'http:\n  port: 8081\n');
    const [newest] = await start();
    assert.deepEqual([newest?.actor, newest?.comment], ['file', 'changed while no hub ran']);
    assert.deepEqual(newest?.changes, [{ key: 'http.port', before: 8080, after: 8081, applies: 'restart' }]);
  });
});

test('a change that cannot be noted down is not made', async () => {
  await withSettings({ yaml: 'log:\n  level: info\n' }, async ({ settings, change, store, file }) => {
    settings.onChange('log', () => undefined);
    await store.stop();
    await assert.rejects(change({ 'log.level': 'debug' }));
    assert.deepEqual([settings.current().log.level, readFileSync(file, 'utf8')], ['info', 'log:\n  level: info\n']);
  });
});

test('after its end nothing is followed any more', async () => {
  await withSettings({ yaml: 'log:\n  level: info\n' }, async ({ settings, write, file }) => {
    settings.onChange('log', () => assert.fail('called after the end'));
    await settings.stop();
    write('log:\n  level: debug\n');
    await settings.reload();
    assert.equal(settings.current().log.level, 'info');
    assert.ok(existsSync(file));
  });
});

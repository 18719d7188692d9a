/** People who sign in. */
import { useState } from 'preact/hooks';
import type { Role, User } from '../../contracts/access.js';
import { roles } from '../../contracts/roles.js';
import { call } from '../core/api.js';
import { session } from '../core/session.js';
import { Blank, Confirm, Field, Menu, Time } from '../parts/basics.js';
import { FormDialog } from '../parts/form-dialog.js';
import { Icon } from '../parts/icon.js';
import { Listing } from '../parts/listing.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { TextField } from './fields.js';
import { StreamScope } from './stream-scope.js';

type Open = { kind: 'edit'; user: User | undefined } | { kind: 'delete'; user: User } | undefined;

/** What each role may do, in one line. */
export const roleWords: Record<Role, string> = {
  viewer: 'Watches',
  operator: 'Watches, starts, stops, adds and changes streams',
  admin: 'May everything, also users and access',
};

export function Users() {
  const { list, reload } = useList((signal) => call('list_users', { signal }).then((answer) => answer.items));
  const [open, setOpen] = useState<Open>(undefined);
  const close = () => setOpen(undefined);
  return (
    <section class="card">
      <header>
        <p class="second small">Each person has a role, and all streams or a list of them. Changes reach open sessions at once.</p>
        <button type="button" class="btn primary small" data-testid="add-user" onClick={() => setOpen({ kind: 'edit', user: undefined })}>
          <Icon name="plus" size={16} /> Add user
        </button>
      </header>
      <Listing list={list} onRetry={reload} blank={<Blank icon="access" title="No users" />}>
        {(users) => (
          <div class="table-wrap">
            <table class="table">
              <thead>
                <tr>
                  <th>User</th>
                  <th>Role</th>
                  <th>Streams</th>
                  <th>Last sign-in</th>
                  <th>
                    <span class="sr">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {users.map((user) => (
                  <UserRow key={user.user_id} user={user} onOpen={setOpen} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Listing>
      {open?.kind === 'edit' && <UserDialog user={open.user} onDone={reload} onClose={close} />}
      {open?.kind === 'delete' && (
        <Confirm
          title={`Delete ${open.user.username}?`}
          text="All its sessions and bus logins end at once."
          action="Delete user"
          onConfirm={async () => {
            await call('delete_user', { params: { user_id: open.user.user_id } });
            reload();
          }}
          onClose={close}
        />
      )}
    </section>
  );
}

function UserRow({ user, onOpen }: { user: User; onOpen: (open: Open) => void }) {
  const isMe = session.value?.user_id === user.user_id;
  return (
    <tr data-testid={`user-${user.username}`}>
      <td>
        <b>{user.username}</b> {isMe && <span class="tag">you</span>}{' '}
        {user.disabled && (
          <span class="tag" data-tone="warn">
            disabled
          </span>
        )}
      </td>
      <td>{user.role}</td>
      <td class="second">{user.streams === null ? 'all' : user.streams.length === 0 ? 'none' : user.streams.join(', ')}</td>
      <td class="second">{user.last_login_at === null ? 'never' : <Time value={user.last_login_at} />}</td>
      <td class="num">
        <Menu label={`Actions for ${user.username}`} trigger={<Icon name="more" />}>
          <button type="button" onClick={() => onOpen({ kind: 'edit', user })}>
            <Icon name="sliders" /> Change
          </button>
          {!isMe && (
            <button type="button" onClick={() => onOpen({ kind: 'delete', user })}>
              <Icon name="trash" /> Delete
            </button>
          )}
        </Menu>
      </td>
    </tr>
  );
}

/** A role to choose, with what it means. */
export function RoleField({ value, onValue, only = roles }: { value: Role; onValue: (role: Role) => void; only?: readonly Role[] }) {
  return (
    <Field label="Role" hint={roleWords[value]}>
      {(ids) => (
        <select {...ids} class="input" value={value} data-testid="role" onChange={(event) => onValue(event.currentTarget.value as Role)}>
          {only.map((role) => (
            <option key={role} value={role}>
              {role}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function UserDialog({ user, onDone, onClose }: { user: User | undefined; onDone: () => void; onClose: () => void }) {
  const [username, setUsername] = useState(user?.username ?? '');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>(user?.role ?? 'viewer');
  const [scope, setScope] = useState<string[] | null>(user?.streams ?? null);
  const [disabled, setDisabled] = useState(user?.disabled ?? false);
  const state = useAction();
  const { error } = state;
  const save = async () => {
    if (user === undefined) await call('create_user', { body: { username, password, role, streams: scope } });
    else {
      const body = { role, streams: scope, disabled, ...(password === '' ? {} : { password }) };
      await call('update_user', { params: { user_id: user.user_id }, body });
    }
    onDone();
    onClose();
  };
  return (
    <FormDialog
      title={user === undefined ? 'Add a user' : `Change ${user.username}`}
      action={user === undefined ? 'Add user' : 'Save'}
      testId="save-user"
      state={state}
      onSend={save}
      onClose={onClose}
    >
      {user === undefined && (
        <TextField label="User name" name="new-username" value={username} onValue={setUsername} error={fieldError(error, 'username')} />
      )}
      <TextField
        label={user === undefined ? 'Password' : 'New password'}
        name="user-password"
        type="password"
        autocomplete="new-password"
        required={user === undefined}
        hint={user === undefined ? 'At least 10 characters' : 'Leave empty to keep it'}
        error={fieldError(error, 'password')}
        value={password}
        onValue={setPassword}
      />
      <RoleField value={role} onValue={setRole} />
      <StreamScope value={scope} onValue={setScope} />
      {user !== undefined && (
        <label class="check">
          <input type="checkbox" checked={disabled} onChange={(event) => setDisabled(event.currentTarget.checked)} />
          <span>
            Disabled <small>Cannot sign in; open sessions end</small>
          </span>
        </label>
      )}
    </FormDialog>
  );
}

/** Tokens for programs that use the REST API. */
import { useState } from 'preact/hooks';
import type { Role, Token } from '../../contracts/access.js';
import { call } from '../core/api.js';
import { Blank, Confirm, CopyButton, Dialog, Field, Note, Time } from '../parts/basics.js';
import { FormDialog } from '../parts/form-dialog.js';
import { Icon } from '../parts/icon.js';
import { Listing } from '../parts/listing.js';
import { useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { TextField } from './fields.js';
import { StreamScope } from './stream-scope.js';
import { RoleField } from './users.js';

const lives = [
  { label: '1 day', seconds: 86_400 },
  { label: '30 days', seconds: 30 * 86_400 },
  { label: '1 year', seconds: 365 * 86_400 },
  { label: 'Does not expire', seconds: 0 },
] as const;

export function Tokens() {
  const { list, reload } = useList((signal) => call('list_tokens', { signal }).then((answer) => answer.items));
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<Token | undefined>(undefined);
  return (
    <section class="card">
      <header>
        <p class="second small">
          For programs: sent as <code>Authorization: Bearer …</code>. A secret is shown once.
        </p>
        <button type="button" class="btn primary small" data-testid="add-token" onClick={() => setAdding(true)}>
          <Icon name="plus" size={16} /> Make a token
        </button>
      </header>
      <Listing
        list={list}
        onRetry={reload}
        blank={<Blank icon="key" title="No tokens" text="Make one for a script or another system that talks to this hub." />}
      >
        {(tokens) => <TokenTable tokens={tokens} onRevoke={setRevoking} />}
      </Listing>
      {adding && <TokenDialog onDone={reload} onClose={() => setAdding(false)} />}
      {revoking !== undefined && (
        <Confirm
          title={`Revoke ${revoking.name}?`}
          text="Programs that use it are refused from now on."
          action="Revoke"
          onConfirm={async () => {
            await call('delete_token', { params: { token_id: revoking.token_id } });
            reload();
          }}
          onClose={() => setRevoking(undefined)}
        />
      )}
    </section>
  );
}

function TokenTable({ tokens, onRevoke }: { tokens: readonly Token[]; onRevoke: (token: Token) => void }) {
  return (
    <div class="table-wrap">
      <table class="table">
        <thead>
          <tr>
            <th>Name</th>
            <th>Role</th>
            <th>Made</th>
            <th>Expires</th>
            <th>Last used</th>
            <th>
              <span class="sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.token_id} data-testid={`token-${token.name}`}>
              <td>
                <b>{token.name}</b>
                <div class="small muted">{token.streams === null ? 'all streams' : token.streams.join(', ')}</div>
              </td>
              <td>{token.role}</td>
              <td class="second">
                <Time value={token.created_at} /> by {token.created_by}
              </td>
              <td class="second">{token.expires_at === null ? 'never' : <Time value={token.expires_at} />}</td>
              <td class="second">{token.last_used_at === null ? 'never' : <Time value={token.last_used_at} />}</td>
              <td class="num">
                <button type="button" class="btn quiet small" onClick={() => onRevoke(token)}>
                  Revoke
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TokenDialog({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [scope, setScope] = useState<string[] | null>(null);
  const [life, setLife] = useState<number>(lives[1].seconds);
  const [secret, setSecret] = useState<string | undefined>(undefined);
  const state = useAction();
  const make = async () => {
    const body = { name, role, streams: scope, ...(life === 0 ? {} : { expires_in_s: life }) };
    setSecret((await call('create_token', { body })).secret);
    onDone();
  };
  if (secret !== undefined) return <SecretDialog title="The token" secret={secret} onClose={onClose} />;
  return (
    <FormDialog title="Make an API token" action="Make token" testId="save-token" state={state} onSend={make} onClose={onClose}>
      <TextField label="Name" name="token-name" placeholder="What will use it" value={name} onValue={setName} />
      <RoleField value={role} onValue={setRole} />
      <Field label="Valid for">
        {(ids) => (
          <select {...ids} class="input" value={String(life)} onChange={(event) => setLife(Number(event.currentTarget.value))}>
            {lives.map((one) => (
              <option key={one.seconds} value={String(one.seconds)}>
                {one.label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <StreamScope value={scope} onValue={setScope} />
    </FormDialog>
  );
}

/** Shows a secret the only time it can be seen. */
export function SecretDialog({ title, secret, onClose }: { title: string; secret: string; onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose} dismissible={false}>
      <Note tone="warn">Copy it now. Weir keeps only its hash and cannot show it again.</Note>
      <div class="secret">
        <code data-testid="secret">{secret}</code>
        <CopyButton text={secret} />
      </div>
      <div class="actions">
        <button type="button" class="btn primary" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

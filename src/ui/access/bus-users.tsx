/** User/password clients for plain NATS programs in any language. */
import { useState } from 'preact/hooks';
import type { BusUser, CreateBusUser } from '../../contracts/access.js';
import { call } from '../core/api.js';
import { streams } from '../core/data.js';
import { Blank, Confirm, Field, Time } from '../parts/basics.js';
import { FormDialog } from '../parts/form-dialog.js';
import { Icon } from '../parts/icon.js';
import { Listing } from '../parts/listing.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { TextField } from './fields.js';
import { SecretDialog } from './tokens.js';

export function BusUsers() {
  const { list, reload } = useList((signal) => call('list_bus_users', { signal }).then((answer) => answer.items));
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<BusUser | undefined>(undefined);
  return (
    <section class="card">
      <header>
        <p class="second small">For programs that speak NATS themselves: spokes on other machines, dashboards, automation.</p>
        <button type="button" class="btn primary small" data-testid="add-bus-user" onClick={() => setAdding(true)}>
          <Icon name="plus" size={16} /> Admit a client
        </button>
      </header>
      <Listing
        list={list}
        onRetry={reload}
        blank={<Blank icon="network" title="No bus clients" text="Admit one to connect a spoke or a program in any language by name and password." />}
      >
        {(users) => (
          <ul class="bus-users">
            {users.map((user) => (
              <BusUserRow key={user.name} user={user} onRevoke={() => setRevoking(user)} />
            ))}
          </ul>
        )}
      </Listing>
      {adding && <BusUserDialog onDone={reload} onClose={() => setAdding(false)} />}
      {revoking !== undefined && (
        <Confirm
          title={`Revoke ${revoking.name}?`}
          text="Its connections are cut at once."
          action="Revoke"
          onConfirm={async () => {
            await call('delete_bus_user', { params: { name: revoking.name } });
            reload();
          }}
          onClose={() => setRevoking(undefined)}
        />
      )}
    </section>
  );
}

function BusUserRow({ user, onRevoke }: { user: BusUser; onRevoke: () => void }) {
  return (
    <li data-testid={`bus-user-${user.name}`}>
      <details>
        <summary>
          <b>{user.name}</b>
          <span class="small muted">
            may publish {user.publish.length} and subscribe {user.subscribe.length} subjects · made <Time value={user.created_at} />
          </span>
          <button
            type="button"
            class="btn quiet small"
            onClick={(event) => {
              event.preventDefault();
              onRevoke();
            }}
          >
            Revoke
          </button>
        </summary>
        <div class="form-grid small">
          <Subjects title="May publish" subjects={user.publish} />
          <Subjects title="May subscribe" subjects={user.subscribe} />
        </div>
      </details>
    </li>
  );
}

function Subjects({ title, subjects }: { title: string; subjects: readonly string[] }) {
  return (
    <div>
      <h3 class="label">{title}</h3>
      <ul class="mono second" style={{ overflowWrap: 'anywhere' }}>
        {subjects.map((subject) => (
          <li key={subject}>{subject}</li>
        ))}
        {subjects.length === 0 && <li>nothing</li>}
      </ul>
    </div>
  );
}

type Kind = 'spoke' | 'vod_worker' | 'video_publisher' | 'viewer' | 'operator' | 'own';

function BusUserDialog({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const [name, setName] = useState('');
  const [kind, setKind] = useState<Kind>('spoke');
  const [spokeOf, setSpokeOf] = useState('');
  const [publish, setPublish] = useState('');
  const [subscribe, setSubscribe] = useState('');
  const [secret, setSecret] = useState<string | undefined>(undefined);
  const state = useAction();
  const { error } = state;
  const list = streams.value;
  const make = async () => {
    setSecret((await call('create_bus_user', { body: { name, ...grants(kind, spokeOf, publish, subscribe) } })).password);
    onDone();
  };
  if (secret !== undefined) return <SecretDialog title={`Password of ${name}`} secret={secret} onClose={onClose} />;
  return (
    <FormDialog title="Admit a NATS client" action="Admit" testId="save-bus-user" state={state} onSend={make} onClose={onClose}>
      <TextField
        label="Name"
        name="bus-name"
        value={name}
        onValue={setName}
        error={fieldError(error, 'name')}
        hint="Its password is made here and shown once"
      />
      <Field label="It is">
        {(ids) => (
          <select {...ids} class="input" value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>
            <option value="spoke">a spoke that serves certain streams</option>
            <option value="vod_worker">a worker on videos</option>
            <option value="video_publisher">a program that has videos processed</option>
            <option value="viewer">a client that follows all streams</option>
            <option value="operator">a client that follows and commands all streams</option>
            <option value="own">something else: a list of subjects</option>
          </select>
        )}
      </Field>
      {kind === 'spoke' && (
        <Field label="Streams it serves" hint="Ids, separated by commas; they need not exist yet" error={fieldError(error, 'spoke_of')}>
          {(ids) => (
            <>
              <input
                {...ids}
                class="input"
                required
                list="known-streams"
                value={spokeOf}
                onInput={(event) => setSpokeOf(event.currentTarget.value)}
              />
              <datalist id="known-streams">{list.kind === 'ready' && list.value.map((model) => <option key={model.id} value={model.id} />)}</datalist>
            </>
          )}
        </Field>
      )}
      {kind === 'own' && (
        <>
          <SubjectsField label="May publish" value={publish} onValue={setPublish} error={fieldError(error, 'publish')} />
          <SubjectsField label="May subscribe" value={subscribe} onValue={setSubscribe} error={fieldError(error, 'subscribe')} />
        </>
      )}
    </FormDialog>
  );
}

function SubjectsField({
  label,
  value,
  onValue,
  error,
}: {
  label: string;
  value: string;
  onValue: (text: string) => void;
  error: string | undefined;
}) {
  return (
    <Field label={label} hint="One subject or pattern per line" error={error}>
      {(ids) => (
        <textarea {...ids} class="input mono" rows={3} spellcheck={false} value={value} onInput={(event) => onValue(event.currentTarget.value)} />
      )}
    </Field>
  );
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

function grants(kind: Kind, spokeOf: string, publish: string, subscribe: string): Omit<CreateBusUser, 'name'> {
  if (kind === 'spoke') return { spoke_of: words(spokeOf) };
  if (kind === 'vod_worker') return { vod_worker: true };
  if (kind === 'video_publisher') return { video_publisher: true };
  if (kind === 'own') return { publish: words(publish), subscribe: words(subscribe) };
  return { role: kind };
}

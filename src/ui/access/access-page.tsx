/** Who may do what: people, API tokens, plain NATS clients. */
import { place } from '../core/router.js';
import { PageHead } from '../parts/basics.js';
import { BusUsers } from './bus-users.js';
import { Tokens } from './tokens.js';
import { Users } from './users.js';

const tabs = [
  { id: 'users', label: 'Users', Part: Users },
  { id: 'tokens', label: 'API tokens', Part: Tokens },
  { id: 'bus', label: 'Bus clients', Part: BusUsers },
] as const;

export default function AccessPage() {
  const current = tabs.find((tab) => tab.id === place.value.params.tab) ?? tabs[0];
  return (
    <div class="page">
      <PageHead title="Access" />
      <div class="stack">
        <nav class="tabs" aria-label="Kinds of access">
          {tabs.map((tab) => (
            <a key={tab.id} href={`/access/${tab.id}`} aria-current={tab === current ? 'page' : undefined}>
              {tab.label}
            </a>
          ))}
        </nav>
        <current.Part />
      </div>
    </div>
  );
}

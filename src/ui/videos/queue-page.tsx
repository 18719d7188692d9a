/** Work on videos: what runs, what waits, who works, what was given up. */
import type { ComponentType } from 'preact';
import { place } from '../core/router.js';
import { PageHead } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { CallbacksTab } from './callbacks-tab.js';
import { DeadLettersTab } from './dead-letters-tab.js';
import { EndedTab } from './ended-tab.js';
import { QueueTab } from './queue-tab.js';
import './videos.css';
import { seesAllVideos } from './video-rights.js';

interface Tab {
  name: string | undefined;
  label: string;
  Part: ComponentType;
  operator?: true;
}

const tabs: readonly Tab[] = [
  { name: undefined, label: 'Now', Part: QueueTab },
  { name: 'ended', label: 'Ended', Part: EndedTab },
  { name: 'dead', label: 'Dead letters', Part: DeadLettersTab, operator: true },
  { name: 'callbacks', label: 'Callbacks', Part: CallbacksTab, operator: true },
];

export default function QueuePage() {
  const { tab } = place.value.params;
  const visible = tabs.filter((one) => one.operator !== true || seesAllVideos());
  const Part = visible.find((one) => one.name === tab)?.Part ?? QueueTab;
  return (
    <div class="page queue-page">
      <PageHead title="Queue">
        <a class="btn" href="/videos">
          <Icon name="film" /> All videos
        </a>
      </PageHead>
      <nav class="tabs" aria-label="Parts of this page">
        {visible.map((one) => (
          <a key={one.label} href={one.name === undefined ? '/queue' : `/queue/${one.name}`} aria-current={tab === one.name ? 'page' : undefined}>
            {one.label}
          </a>
        ))}
      </nav>
      <Part />
    </div>
  );
}

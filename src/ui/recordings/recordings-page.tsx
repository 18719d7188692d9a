/** What was recorded: the day on a timeline, the files, snapshots, exports. */
import { lazyComponent } from '../app/lazy.js';
import { place } from '../core/router.js';
import { Blank, PageHead } from '../parts/basics.js';
import { Icon, type IconName } from '../parts/icon.js';
import '../player/player.css';
import '../streams/add.css';
import './recordings.css';

const TimelineTab = lazyComponent(() => import('./timeline-tab.js'));
const FilesTab = lazyComponent(() => import('./files-tab.js'));
const SnapshotsTab = lazyComponent(() => import('./snapshots-tab.js'));
const ExportsTab = lazyComponent(() => import('./exports-tab.js'));

const tabs: readonly { id: string; label: string; icon: IconName; href: string }[] = [
  { id: 'timeline', label: 'Timeline', icon: 'timeline', href: '/recordings' },
  { id: 'files', label: 'Files', icon: 'file', href: '/recordings/files' },
  { id: 'snapshots', label: 'Snapshots', icon: 'camera', href: '/recordings/snapshots' },
  { id: 'exports', label: 'Exports', icon: 'download', href: '/recordings/exports' },
];

export default function RecordingsPage() {
  const tab = place.value.params.tab ?? 'timeline';
  return (
    <div class="page recordings-page" data-tab={tab}>
      <PageHead title="Recordings">
        <nav class="tabs" aria-label="Kinds">
          {tabs.map((one) => (
            <a key={one.id} href={one.href} aria-current={tab === one.id ? 'page' : undefined} data-testid={`tab-${one.id}`}>
              <Icon name={one.icon} size={16} /> {one.label}
            </a>
          ))}
        </nav>
      </PageHead>
      {tab === 'timeline' && <TimelineTab />}
      {tab === 'files' && <FilesTab />}
      {tab === 'snapshots' && <SnapshotsTab />}
      {tab === 'exports' && <ExportsTab />}
      {!tabs.some((one) => one.id === tab) && (
        <Blank icon="search" title="Nothing is at this address">
          <a class="btn" href="/recordings">
            To the timeline
          </a>
        </Blank>
      )}
    </div>
  );
}

/** The frame around every page: where to go, who is here, whether the data flows. */
import { useComputed } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Role } from '../../contracts/access.js';
import { alertCount } from '../core/alert-count.js';
import { now } from '../core/clock.js';
import { linkState } from '../core/link.js';
import { navigate, place } from '../core/router.js';
import type { PageName } from '../core/routing.js';
import { may, session, signOut } from '../core/session.js';
import { setTheme, theme } from '../core/theme.js';
import { Blank, Menu } from '../parts/basics.js';
import { Icon, type IconName, Mark } from '../parts/icon.js';
import { lazyComponent } from './lazy.js';
import { loadPage, pageFailed, pageOf } from './pages.js';
import { startShortcuts } from './shortcuts.js';
import { Toasts } from './toasts.js';

const Shortcuts = lazyComponent(() => import('./shortcuts-dialog.js'));

interface Item {
  href: string;
  label: string;
  icon: IconName;
  pages: readonly PageName[];
  role: Role;
  /** Stands in the bar at the foot of a phone; of these the first four. */
  bar?: true;
}

const items: readonly Item[] = [
  { href: '/', label: 'Wall', icon: 'wall', pages: ['wall'], role: 'viewer', bar: true },
  { href: '/cameras', label: 'Cameras', icon: 'camera', pages: ['cameras', 'camera'], role: 'viewer', bar: true },
  { href: '/recordings', label: 'Recordings', icon: 'timeline', pages: ['recordings', 'recordings_tab'], role: 'viewer', bar: true },
  {
    href: '/videos',
    label: 'Videos',
    icon: 'film',
    pages: ['videos', 'videos_upload', 'videos_queue', 'videos_queue_tab', 'video', 'video_tab'],
    role: 'viewer',
  },
  { href: '/alerts', label: 'Alerts', icon: 'bell', pages: ['alerts'], role: 'operator', bar: true },
  { href: '/streams', label: 'Streams', icon: 'streams', pages: ['streams', 'stream', 'stream_tab', 'add'], role: 'viewer', bar: true },
  { href: '/storage', label: 'Storage', icon: 'storage', pages: ['storage'], role: 'viewer' },
  { href: '/system', label: 'System', icon: 'system', pages: ['system'], role: 'viewer' },
  { href: '/config', label: 'Settings', icon: 'sliders', pages: ['config', 'config_tab'], role: 'admin' },
  { href: '/access/users', label: 'Access', icon: 'access', pages: ['access'], role: 'admin' },
  { href: '/audit', label: 'Audit', icon: 'audit', pages: ['audit'], role: 'admin' },
];
const barLength = 4;

export function Shell() {
  const visible = items.filter((item) => may(item.role));
  const bar = visible.filter((item) => item.bar).slice(0, barLength);
  useEffect(() => startShortcuts(), []);
  return (
    <div class="shell">
      <aside class="rail">
        <a class="brand" href="/" aria-label="Weir, to the wall">
          <Mark size={30} />
          Weir
        </a>
        <nav aria-label="Pages">
          {visible.map((item) => (
            <NavLink key={item.href} item={item} />
          ))}
        </nav>
        <div class="push" />
        <div class="foot">
          <LinkMark />
          <AccountMenu />
        </div>
      </aside>
      <main class="main">
        <LinkBanner />
        <CurrentPage />
      </main>
      <nav class="bottom-bar" aria-label="Pages">
        {bar.map((item) => (
          <NavLink key={item.href} item={item} />
        ))}
        <MoreMenu items={visible.filter((item) => !bar.includes(item))} />
      </nav>
      <Toasts />
      <Shortcuts />
    </div>
  );
}

function isCurrent(item: Item): boolean {
  const { page } = place.value;
  return page !== 'unknown' && item.pages.includes(page);
}

function NavLink({ item }: { item: Item }) {
  const isHere = isCurrent(item);
  const count = item.href === '/alerts' ? alertCount.value : 0;
  return (
    <a class="rail-item" href={item.href} aria-current={isHere ? 'page' : undefined} onPointerEnter={() => void loadPage(item.pages[0] ?? 'unknown')}>
      <Icon name={item.icon} size={21} />
      {item.label}
      {count > 0 && (
        <span class="count" data-testid="alert-count">
          {count > 99 ? '99+' : count}
          <span class="sr"> open alerts</span>
        </span>
      )}
    </a>
  );
}

function CurrentPage() {
  const { page } = place.value;
  const isLost = linkState.value.kind === 'lost';
  // What could not be fetched while the hub was away is fetched when it is back.
  useEffect(() => void loadPage(page), [page, isLost]);
  // The door's pages have no meaning once inside.
  const isDoor = page === 'setup' || place.value.path === '/login';
  useEffect(() => {
    if (isDoor) navigate('/', { replace: true });
  }, [isDoor]);
  if (isDoor) return null;
  if (page === 'unknown') {
    return (
      <Blank icon="search" title="Nothing is at this address">
        <a class="btn" href="/">
          To the wall
        </a>
      </Blank>
    );
  }
  if (!may(roleOf(page))) {
    return (
      <Blank icon="key" title="This page is not for your role" text={`It needs the role ${roleOf(page)}; yours is ${session.value?.role}.`}>
        <a class="btn" href="/">
          To the wall
        </a>
      </Blank>
    );
  }
  const Page = pageOf(page);
  if (Page !== undefined) return <Page key={page.replace(/_tab$/, '')} />;
  if (!pageFailed.value) return <div class="page" role="status" aria-label="Loading" />;
  if (isLost) return <Blank icon="network" title="The hub cannot be reached" text="This page is shown as soon as it answers again." />;
  return (
    <Blank icon="restart" title="This page could not be loaded" text="Perhaps Weir was updated meanwhile.">
      <button type="button" class="btn primary" onClick={() => location.reload()}>
        Load anew
      </button>
    </Blank>
  );
}

function roleOf(page: PageName): Role {
  if (page === 'add' || page === 'videos_upload') return 'operator';
  return items.find((item) => item.pages.includes(page))?.role ?? 'viewer';
}

const patienceMs = 2500;

function useLostFor(): number {
  const lost = useComputed(() => (linkState.value.kind === 'lost' ? Math.max(0, now.value - linkState.value.since) : 0));
  return lost.value;
}

/** A word at the foot of the rail: quiet while all is well. */
function LinkMark() {
  const kind = linkState.value.kind;
  const label = kind === 'up' ? 'Live' : kind === 'opening' ? 'Connecting' : 'Offline';
  return (
    <div
      class="rail-item"
      style={{ cursor: 'default' }}
      title={kind === 'up' ? 'Data and pictures arrive over the bus' : 'No connection to the bus'}
      data-testid="link-state"
      data-link={kind}
    >
      <span class="dot" data-tone={kind === 'up' ? 'ok' : kind === 'opening' ? 'busy' : 'bad'} />
      {label}
    </div>
  );
}

/** Said only when the loss lasts: short ones heal before anybody could read it. */
function LinkBanner() {
  const lostFor = useLostFor();
  if (lostFor < patienceMs) return null;
  return (
    <div class="banner" role="status" data-testid="link-banner">
      <span class="spinner" />
      The connection to the hub is lost; what you see may be old. Connecting again.
    </div>
  );
}

function AccountMenu() {
  const name = session.value?.username ?? '';
  return (
    <Menu
      label="Account"
      class="rail-item"
      trigger={
        <>
          <span class="avatar">{name.slice(0, 2)}</span>
          <span class="clip" style={{ maxWidth: '100%' }}>
            {name}
          </span>
        </>
      }
    >
      <AccountItems />
    </Menu>
  );
}

function MoreMenu({ items: rest }: { items: readonly Item[] }) {
  return (
    <Menu
      label="More"
      class={rest.some(isCurrent) ? 'rail-item here' : 'rail-item'}
      trigger={
        <>
          <Icon name="more" size={21} />
          More
        </>
      }
    >
      {rest.map((item) => (
        <a key={item.href} href={item.href} aria-current={isCurrent(item) ? 'page' : undefined}>
          <Icon name={item.icon} />
          {item.label}
        </a>
      ))}
      <AccountItems />
    </Menu>
  );
}

const themeIcons: Record<string, IconName> = { system: 'screen', light: 'sun', dark: 'moon' };

function AccountItems() {
  const current = session.value;
  const nextTheme = theme.value === 'system' ? 'dark' : theme.value === 'dark' ? 'light' : 'system';
  return (
    <>
      <div class="menu-head">
        <b>{current?.username}</b>
        <div class="small muted">{current?.role}</div>
      </div>
      <a href="/account" data-testid="menu-account">
        <Icon name="user" /> Account and password
      </a>
      <button type="button" data-testid="menu-theme" onClick={() => setTheme(nextTheme)}>
        <Icon name={themeIcons[theme.value] ?? 'screen'} /> Theme: {theme.value}
      </button>
      <button type="button" onClick={() => document.dispatchEvent(new CustomEvent('weir:help'))}>
        <Icon name="help" /> Keyboard shortcuts
      </button>
      <hr />
      <button type="button" data-testid="menu-signout" onClick={() => void signOut()}>
        <Icon name="exit" /> Sign out
      </button>
    </>
  );
}

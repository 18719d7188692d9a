/** Keys that work on every page. A key does nothing while somebody types. */
import { navigate } from '../core/router.js';
import { may } from '../core/session.js';

/** Shown by `?`, in this order. */
export const shortcutList: readonly { keys: readonly string[]; text: string; group: string }[] = [
  { keys: ['g', 'w'], text: 'Go to the wall', group: 'Pages' },
  { keys: ['g', 'c'], text: 'Go to the cameras', group: 'Pages' },
  { keys: ['g', 'r'], text: 'Go to the recordings', group: 'Pages' },
  { keys: ['g', 'v'], text: 'Go to the videos', group: 'Pages' },
  { keys: ['g', 's'], text: 'Go to the streams', group: 'Pages' },
  { keys: ['g', 'a'], text: 'Go to the alerts', group: 'Pages' },
  { keys: ['g', 'y'], text: 'Go to the system', group: 'Pages' },
  { keys: ['n'], text: 'Add a stream', group: 'Pages' },
  { keys: ['/'], text: 'Search on this page', group: 'Pages' },
  { keys: ['?'], text: 'This list', group: 'Pages' },
  { keys: ['i'], text: 'Statistics of the player', group: 'Player (when it has the focus)' },
  { keys: ['m'], text: 'Sound on or off', group: 'Player (when it has the focus)' },
  { keys: ['f'], text: 'Full screen', group: 'Player (when it has the focus)' },
  { keys: ['p'], text: 'Picture in picture', group: 'Player (when it has the focus)' },
  { keys: ['r'], text: 'Record, or stop recording', group: 'Player (when it has the focus)' },
  { keys: ['s'], text: 'Keep a snapshot on the hub', group: 'Player (when it has the focus)' },
  { keys: ['⇧', 's'], text: 'Save the picture on this device', group: 'Player (when it has the focus)' },
  { keys: ['Space'], text: 'Play or pause', group: 'Timeline' },
  { keys: ['←', '→'], text: '10 seconds back or on; with ⇧ one minute', group: 'Timeline' },
  { keys: [',', '.'], text: 'One frame back or on', group: 'Timeline' },
  { keys: ['+', '−'], text: 'Come nearer or go further away', group: 'Timeline' },
  { keys: ['j', 'k'], text: 'Previous or next gap; with ⇧ recording', group: 'Timeline' },
  { keys: ['[', ']'], text: 'Begin or end the selection here', group: 'Timeline' },
  { keys: ['Space', 'k'], text: 'Play or pause', group: 'Video' },
  { keys: ['←', '→'], text: '5 seconds back or on', group: 'Video' },
  { keys: ['j', 'l'], text: '10 seconds back or on', group: 'Video' },
  { keys: ['↑', '↓'], text: 'Louder or quieter', group: 'Video' },
  { keys: ['0', '…', '9'], text: 'To a tenth of the video', group: 'Video' },
  { keys: ['<', '>'], text: 'Slower or faster', group: 'Video' },
  { keys: [',', '.'], text: 'One frame back or on', group: 'Video' },
  { keys: ['c'], text: 'Captions on or off', group: 'Video' },
  { keys: ['m', 'f', 'p'], text: 'Sound, full screen, picture in picture', group: 'Video' },
  { keys: ['Space'], text: 'Take a tile by its grip, arrow keys move it', group: 'Wall' },
];

const places: Record<string, string> = { w: '/', c: '/cameras', r: '/recordings', v: '/videos', s: '/streams', a: '/alerts', y: '/system' };

/** Listens until the returned function is called. */
export function startShortcuts(): () => void {
  const controller = new AbortController();
  let goAt = 0;
  document.addEventListener(
    'keydown',
    (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const isGo = performance.now() - goAt < 1200;
      goAt = 0;
      const href = places[event.key];
      if (isGo && href !== undefined) navigate(href);
      else if (event.key === 'g') goAt = performance.now();
      else if (!plainKey(event.key)) return;
      event.preventDefault();
    },
    { signal: controller.signal },
  );
  return () => controller.abort();
}

function plainKey(key: string): boolean {
  if (key === '?') document.dispatchEvent(new CustomEvent('weir:help'));
  else if (key === 'n' && may('operator')) navigate('/streams/new');
  else if (key === '/') document.querySelector<HTMLInputElement>('main input[type=search]')?.focus();
  else if (key === 'i') toggleFirstStats();
  else return false;
  return true;
}

/** Where one player is the page's subject, `i` needs no focus on it. */
function toggleFirstStats(): void {
  const stages = document.querySelectorAll<HTMLElement>('.stage');
  if (stages.length === 1) stages[0]?.dispatchEvent(new KeyboardEvent('keydown', { key: 'i', bubbles: true, cancelable: true }));
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && (target.closest('input, textarea, select, dialog') !== null || (target as HTMLElement).isContentEditable);
}

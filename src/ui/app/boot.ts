/** The way to the first picture, begun before anything is drawn: credentials, connection code and page code travel side by side. */
import type { BusCredentials } from '../../contracts/access.js';
import { call } from '../core/api.js';
import { place } from '../core/router.js';
import { sessionState } from '../core/session.js';
import { remember, remembered } from '../core/theme.js';
import { recallViewer } from '../core/viewer-name.js';
import { loadPage } from './pages.js';

// The cookie itself cannot be seen from here. Without the hint the sign-in page loads nothing of the app behind it.
const hint = 'weir.signed_in';

/** Starts the connection now when somebody is likely signed in, else as soon as somebody is. */
export function bootBus(): void {
  const isLikelyIn = remembered(hint) !== null && place.peek().page !== 'setup';
  sessionState.subscribe((state) => {
    if (state.kind === 'open') remember(hint, 'yes');
    else if (state.kind === 'none') remember(hint, null);
  });
  if (isLikelyIn) connectNow();
  else connectLater();
}

function connectNow(): void {
  const credentials = askCredentials();
  credentials.then(
    () => connect(credentials),
    () => connectLater(),
  );
  // The code is fetched while the credentials are on their way.
  void import('../core/data.js');
  void loadPage(place.peek().page);
}

/** Nobody is signed in, or the hub is away: done once there is a session. */
function connectLater(): void {
  const stop = sessionState.subscribe((state) => {
    if (state.kind !== 'open') return;
    queueMicrotask(() => stop());
    void connect(askCredentials());
  });
}

/** A login to the bus: that of before the reload where there is one. */
function askCredentials(): Promise<BusCredentials> {
  const viewer = recallViewer();
  return call('bus_credentials', { body: viewer === undefined ? {} : { viewer } });
}

async function connect(credentials: Promise<BusCredentials>): Promise<void> {
  // Whoever waits for it sees the failure; until then it must not count as unhandled.
  credentials.catch(() => undefined);
  const [{ startLive }, { startData }] = await Promise.all([import('../core/live.js'), import('../core/data.js')]);
  startData();
  startLive(credentials);
}

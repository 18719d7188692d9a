/** The start of the app: asks for everything the first picture needs at once, then draws. */
import './core/start-mark.js';
import { render } from 'preact';
import { App } from './app/app.js';
import { bootBus } from './app/boot.js';
import { lazyComponent } from './app/lazy.js';
import { place, startRouter } from './core/router.js';
import { startSession } from './core/session.js';
import { applyTheme } from './core/theme.js';
import './style/tokens.css';
import './style/base.css';
import './style/parts.css';
import './style/shell.css';

const SharedPage = lazyComponent(() => import('./videos/watch-page.js'));

applyTheme();
const root = document.getElementById('app');
const isShared = place.peek().page === 'watch' || place.peek().page === 'embed';
if (isShared) {
  // Whoever watches by a link has no account: nothing is asked of the hub but the video.
  if (root !== null) render(<SharedPage />, root);
} else {
  startRouter();
  bootBus();
  void startSession();
  if (root !== null) render(<App />, root);
}

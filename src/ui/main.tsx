/** The start of the app: asks for everything the first picture needs at once, then draws. */
import './core/start-mark.js';
import { render } from 'preact';
import { App } from './app/app.js';
import { bootBus } from './app/boot.js';
import { startRouter } from './core/router.js';
import { startSession } from './core/session.js';
import { applyTheme } from './core/theme.js';
import './style/tokens.css';
import './style/base.css';
import './style/parts.css';
import './style/shell.css';

applyTheme();
startRouter();
bootBus();
void startSession();

const root = document.getElementById('app');
if (root !== null) render(<App />, root);

/** Decides what is on the screen: nothing yet, the door, or the app. */

import { place } from '../core/router.js';
import { refreshSession, sessionState } from '../core/session.js';
import { Blank } from '../parts/basics.js';
import { lazyComponent } from './lazy.js';
import { Shell } from './shell.js';

const LoginPage = lazyComponent(() => import('../access/login-page.js'));
const SetupPage = lazyComponent(() => import('../access/setup-page.js'));
const ReturnDialog = lazyComponent(() => import('../access/return-dialog.js'));

export function App() {
  const state = sessionState.value;
  if (state.kind === 'open' || state.kind === 'ended') {
    return (
      <>
        <Shell />
        {state.kind === 'ended' && <ReturnDialog />}
      </>
    );
  }
  if (state.kind === 'unknown') return null;
  if (state.kind === 'unreachable') {
    return (
      <Blank icon="nosignal" title="The hub cannot be reached" text="Check that it runs and that this device is on its network.">
        <button type="button" class="btn primary" onClick={() => void refreshSession()}>
          Try again
        </button>
      </Blank>
    );
  }
  if (place.value.page === 'setup' || state.setupNeeded) return <SetupPage />;
  return <LoginPage />;
}

/** The session has ended: sign in again over the page, which keeps everything that was typed. */
import { session, signIn } from '../core/session.js';
import { Dialog } from '../parts/basics.js';
import { SignInForm } from './sign-in-form.js';

export default function ReturnDialog() {
  const name = session.value?.username ?? '';
  return (
    <Dialog title="Your session has ended" dismissible={false} onClose={() => undefined}>
      <p class="second">Sign in again to go on where you were. Nothing on this page is lost.</p>
      <SignInForm username={name} onSignIn={signIn} />
    </Dialog>
  );
}

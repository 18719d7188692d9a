/** Signing in. The address stays, so that the page asked for comes next. */
import { signIn } from '../core/session.js';
import { Door } from './door.js';
import { SignInForm } from './sign-in-form.js';

export default function LoginPage() {
  return (
    <Door title="Sign in">
      <SignInForm onSignIn={signIn} />
    </Door>
  );
}

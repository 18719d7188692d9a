/** A question with fields: one thing is made or changed by it. */
import type { ComponentChildren } from 'preact';
import { Dialog, Problem } from './basics.js';
import type { Action } from './use-action.js';

interface FormDialogProps {
  title: string;
  /** On the button that sends it. */
  action: string;
  /** For tests; on the same button. */
  testId: string;
  state: Action;
  /** What sending does; it stays open with the problem shown when that fails. */
  onSend: () => Promise<unknown>;
  onClose: () => void;
  children: ComponentChildren;
}

/** Fields, the problem above them, and the two buttons below; Enter sends. While it is sent, only its buttons close it. */
export function FormDialog({ title, action, testId, state, onSend, onClose, children }: FormDialogProps) {
  return (
    <Dialog title={title} onClose={onClose} dismissible={!state.busy}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void state.run(onSend);
        }}
      >
        <Problem error={state.error} />
        {children}
        <div class="actions">
          <button type="button" class="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="btn primary" disabled={state.busy} data-testid={testId}>
            {state.busy && <span class="spinner" />} {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** The corner where short notices stand. */
import { hideToast, toasts } from '../core/toasts.js';
import { Icon } from '../parts/icon.js';

export function Toasts() {
  return (
    <section class="toasts" aria-live="polite" aria-label="Notices">
      {toasts.value.map((toast) => (
        <div key={toast.id} class="toast" data-tone={toast.tone} data-testid="toast">
          {toast.image === undefined ? (
            <Icon name={toast.tone === 'ok' ? 'check' : 'alert'} />
          ) : (
            <img class="toast-image" src={toast.image} alt="" width={72} height={42} />
          )}
          <div>
            <b>{toast.title}</b>
            {toast.text !== undefined && <div class="second">{toast.text}</div>}
            {toast.href !== undefined && (
              <a href={toast.href} onClick={() => hideToast(toast.id)}>
                Look at it
              </a>
            )}
            {toast.action !== undefined && (
              <button
                type="button"
                class="toast-action"
                data-testid="toast-action"
                onClick={() => {
                  hideToast(toast.id);
                  toast.action?.run();
                }}
              >
                {toast.action.label}
              </button>
            )}
          </div>
          <button type="button" class="btn icon quiet small close" aria-label="Close notice" onClick={() => hideToast(toast.id)}>
            <Icon name="close" size={15} />
          </button>
        </div>
      ))}
    </section>
  );
}

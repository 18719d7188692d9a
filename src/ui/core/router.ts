/** Where the visitor is. Plain links work: clicks on addresses of our own are caught and become page changes without a reload. */
import { signal } from '@preact/signals';
import { matchPlace, type Place } from './routing.js';

export const place = signal<Place>(here());

function here(): Place {
  const found = matchPlace(location.pathname, location.search);
  // Typed under another name: the address bar shows the proper one.
  if (found.path !== location.pathname && found.page !== 'unknown')
    history.replaceState(history.state, '', found.path + location.search + location.hash);
  return found;
}

/** Goes to an address of the app. `replace` leaves no step to go back to. */
export function navigate(href: string, options: { replace?: boolean } = {}): void {
  if (href !== location.pathname + location.search) {
    if (options.replace === true) history.replaceState(null, '', href);
    else history.pushState(null, '', href);
  }
  const before = place.peek().path;
  place.value = here();
  if (place.peek().path !== before) scrollTo(0, 0);
}

/** Starts listening to clicks and the back button; once, at start. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    place.value = here();
  });
  document.addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest?.('a');
    if (link === null || link === undefined || !isOurs(link, event)) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}

function isOurs(link: HTMLAnchorElement, event: MouseEvent): boolean {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return false;
  if (link.origin !== location.origin || link.target !== '' || link.hasAttribute('download')) return false;
  return !/^\/(?:api|health|metrics|nats|ws)(?:\/|$)/.test(link.pathname);
}

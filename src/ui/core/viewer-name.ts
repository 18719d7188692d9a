/**
 * The name of this tab's reading place. Kept over reloads, so that the hub prolongs a login instead of making one, which
 * is quicker and leaves nothing behind. Two tabs must never share it: each would take away what the other waits for.
 */

const key = 'weir.viewer';

let name: string | undefined;

/** The name this tab had before its reload; undefined for a new one. */
export function recallViewer(): string | undefined {
  try {
    // It stands in the storage only between two pages of this tab, so a tab that is duplicated meanwhile does not get it.
    const kept = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    name = kept ?? undefined;
  } catch {
    name = undefined;
  }
  return name;
}

/** Remembers the name that the hub gave; undefined forgets it. */
export function keepViewer(given: string | undefined): void {
  name = given;
}

addEventListener('pagehide', () => {
  try {
    if (name !== undefined) sessionStorage.setItem(key, name);
  } catch {
    return;
  }
});
addEventListener('pageshow', (event) => {
  if (event.persisted) recallViewer();
});

/** Light, dark, or as the system says; remembered on this device. */
import { signal } from '@preact/signals';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'weir.theme';

export const theme = signal<Theme>(read());

function read(): Theme {
  const stored = remembered(key);
  return themes.find((one) => one === stored) ?? 'system';
}

/** Applies and remembers a theme. */
export function setTheme(next: Theme): void {
  theme.value = next;
  remember(key, next === 'system' ? null : next);
  applyTheme();
}

/** Puts the remembered theme on the page; before the first paint. */
export function applyTheme(): void {
  if (theme.peek() === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.peek();
}

/** Reads a preference; null where storage is refused. */
export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Writes a preference, or removes it with null. Storage that is full or refused loses it silently: it is only a preference. */
export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    return;
  }
}

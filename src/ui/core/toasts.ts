/** Short notices in the corner; bounded, each goes by itself. */
import { signal } from '@preact/signals';

export interface Toast {
  id: number;
  tone: 'ok' | 'warn' | 'bad';
  title: string;
  text?: string | undefined;
  href?: string | undefined;
  /** Address of a small picture. */
  image?: string | undefined;
  /** One thing that can still be done about it, for example take it back. */
  action?: { label: string; run: () => void } | undefined;
}

const most = 4;
let next = 0;
export const toasts = signal<Toast[]>([]);

/** Shows a notice for 6 s (10 s when it is bad). The oldest gives way when there are more than four. Returns the number to hide it by. */
export function showToast(toast: Omit<Toast, 'id'>): number {
  const entry = { ...toast, id: next };
  next += 1;
  toasts.value = [...toasts.peek(), entry].slice(-most);
  setTimeout(() => hideToast(entry.id), toast.tone === 'bad' ? 10_000 : 6000);
  return entry.id;
}

/** Takes a notice away. */
export function hideToast(id: number): void {
  toasts.value = toasts.peek().filter((toast) => toast.id !== id);
}

/** The small parts that every page is made of. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { StreamStatus } from '../../contracts/stream.js';
import type { ApiError } from '../core/api.js';
import { now } from '../core/clock.js';
import { formatRelative, formatSpan } from '../core/format.js';
import { showToast } from '../core/toasts.js';
import { labelOf, type Tone, toneOf } from '../core/words.js';
import { Icon, type IconName } from './icon.js';
import { useAction } from './use-action.js';

/** Head of a page: what it is, how much there is, what can be done. */
export function PageHead({ title, note, children }: { title: string; note?: ComponentChildren; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Weir`;
  }, [title]);
  return (
    <header class="page-head">
      <div class="titles">
        <h1>{title}</h1>
        {note !== undefined && <span class="muted">{note}</span>}
      </div>
      {children}
    </header>
  );
}

/** Status mark: differs in shape as well as in colour. */
export function Dot({ tone }: { tone: Tone }) {
  return <span class="dot" data-tone={tone} />;
}

/** Status mark with its word. */
export function StateLabel({ status }: { status: StreamStatus | null }) {
  return (
    <span class="state" data-testid="state">
      <Dot tone={toneOf(status)} />
      {labelOf(status)}
    </span>
  );
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const exactWithZone = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** A time in the reader's zone: relative by default, exact on hover. */
export function Time({ value, style = 'relative' }: { value: string | number; style?: 'relative' | 'span' | 'exact' }) {
  const at = typeof value === 'number' ? value : Date.parse(value);
  const text = style === 'exact' ? exact.format(at) : style === 'span' ? formatSpan(Math.abs(now.value - at)) : formatRelative(at, now.value);
  return (
    <time dateTime={new Date(at).toISOString()} title={exactWithZone.format(at)}>
      {text}
    </time>
  );
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  children: (ids: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': 'true' | undefined }) => ComponentChildren;
}

/** A labelled control with its hint and its fault, tied together for readers. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const note = error !== undefined || hint !== undefined ? `${id}-note` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': note, 'aria-invalid': error === undefined ? undefined : 'true' })}
      {error !== undefined ? (
        <span class="problem" id={note} role="alert">
          {error}
        </span>
      ) : (
        hint !== undefined && (
          <span class="hint" id={note}>
            {hint}
          </span>
        )
      )}
    </div>
  );
}

/** A coloured paragraph with an icon. */
export function Note({ tone = 'plain', icon, children }: { tone?: 'plain' | 'ok' | 'warn' | 'bad'; icon?: IconName; children: ComponentChildren }) {
  return (
    <div class="note" data-tone={tone} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon name={icon ?? (tone === 'ok' ? 'check' : tone === 'plain' ? 'info' : 'alert')} />
      <div>{children}</div>
    </div>
  );
}

/** A refusal in the words of the hub, with its advice. */
export function Problem({ error }: { error: ApiError | undefined }) {
  if (error === undefined) return null;
  return (
    <Note tone="bad">
      <span data-testid="problem">{error.message}</span>
      {error.hint !== undefined && <div class="second">{error.hint}</div>}
    </Note>
  );
}

/** Nothing here, or nothing could be read: says so and what to do. */
export function Blank({ icon, title, text, children }: { icon: IconName; title: string; text?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class="blank">
      <Icon name={icon} size={34} />
      <h2>{title}</h2>
      {text !== undefined && <p>{text}</p>}
      {children !== undefined && <div class="btn-row">{children}</div>}
    </div>
  );
}

/** A list that could not be read, with a way to try again. */
export function Failed({ error, onRetry }: { error: ApiError; onRetry: () => void }) {
  return (
    <Blank icon="alert" title={error.message} text={error.hint}>
      <button type="button" class="btn" onClick={onRetry}>
        <Icon name="restart" /> Try again
      </button>
    </Blank>
  );
}

/** Grey bars in the place of rows that are on their way. */
export function SkeletonRows({ rows = 5, height = 20 }: { rows?: number; height?: number }) {
  return (
    <div role="status" aria-label="Loading" style={{ display: 'grid', gap: '22px', padding: '18px 16px' }}>
      {Array.from({ length: rows }, (_none, index) => (
        <span key={index} class="skeleton" style={{ height: `${height}px`, width: `${92 - ((index * 17) % 38)}%` }} />
      ))}
    </div>
  );
}

/** Copies a text and says so. */
export function CopyButton({ text, label = 'Copy', small = true }: { text: string; label?: string; small?: boolean }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 1600);
    } catch {
      showToast({ tone: 'warn', title: 'The browser did not allow copying', text: 'Mark the text and copy it by hand.' });
    }
  };
  return (
    <button type="button" class={`btn ${small ? 'small' : ''}`} onClick={() => void copy()}>
      <Icon name={done ? 'check' : 'copy'} size={16} />
      <span aria-live="polite">{done ? 'Copied' : label}</span>
    </button>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** False keeps it open until it is answered. */
  dismissible?: boolean;
  /** For tables and grids. */
  wide?: boolean;
}

/** A modal dialog with the browser's own focus rules; Escape and a click beside it close it. */
export function Dialog({ title, onClose, children, dismissible = true, wide = false }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    if (dialog === null) return undefined;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same and is the dialog's own
    <dialog
      ref={element}
      class={`dialog ${wide ? 'wide' : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (dismissible) onClose();
      }}
      onClick={(event) => {
        if (dismissible && event.target === element.current && isBeside(element.current, event)) onClose();
      }}
    >
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

function isBeside(dialog: HTMLDialogElement | null, event: MouseEvent): boolean {
  if (dialog === null) return false;
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

interface ConfirmProps {
  title: string;
  text: ComponentChildren;
  action: string;
  danger?: boolean;
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

/** Asks before something that cannot be undone; shows why when it did not work. */
export function Confirm({ title, text, action, danger = true, onConfirm, onClose }: ConfirmProps) {
  const { busy, error, run } = useAction();
  return (
    <Dialog title={title} onClose={onClose}>
      <p class="second">{text}</p>
      <Problem error={error} />
      <div class="actions">
        <button type="button" class="btn" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class={`btn ${danger ? 'danger' : 'primary'}`}
          data-testid="confirm"
          disabled={busy}
          onClick={() => void run(onConfirm).then((ok) => ok && onClose())}
        >
          {busy && <span class="spinner" />}
          {action}
        </button>
      </div>
    </Dialog>
  );
}

/** A button that opens a list of actions; Escape, a click elsewhere or a choice closes it. */
export function Menu({
  label,
  trigger,
  class: className,
  children,
}: {
  label: string;
  trigger: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const anchor = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    const outside = (event: Event) => {
      if (!anchor.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside, { signal });
    document.addEventListener('keydown', (event) => onMenuKey(event, anchor.current, () => setOpen(false)), { signal });
    placeMenu(anchor.current);
    addEventListener('scroll', () => setOpen(false), { signal, capture: true, passive: true });
    anchor.current?.querySelector<HTMLElement>('.menu button, .menu a')?.focus();
    return () => controller.abort();
  }, [open]);
  return (
    <div class="menu-anchor" ref={anchor}>
      <button
        type="button"
        class={className ?? 'btn icon quiet'}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {trigger}
      </button>
      {open && (
        // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled for the whole menu
        // biome-ignore lint/a11y/noStaticElementInteractions: only closes after a choice made on a button inside
        <div class="menu" onClick={(event) => (event.target as Element).closest('button, a') !== null && setOpen(false)}>
          {children}
        </div>
      )}
    </div>
  );
}

/** Beside its button, wherever there is room; tables that scroll would cut off a menu that merely stands in them. */
function placeMenu(anchor: HTMLElement | null): void {
  const menu = anchor?.querySelector<HTMLElement>('.menu');
  if (anchor === null || menu === null || menu === undefined || anchor.closest('.rail, .bottom-bar') !== null) return;
  const button = anchor.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = menu;
  const below = button.bottom + 6 + offsetHeight < innerHeight;
  menu.style.position = 'fixed';
  menu.style.left = `${Math.max(8, Math.min(button.right - offsetWidth, innerWidth - offsetWidth - 8))}px`;
  menu.style.top = `${below ? button.bottom + 6 : button.top - 6 - offsetHeight}px`;
}

function onMenuKey(event: KeyboardEvent, anchor: HTMLElement | null, close: () => void): void {
  const items = [...(anchor?.querySelectorAll<HTMLElement>('.menu button, .menu a') ?? [])];
  const index = items.indexOf(document.activeElement as HTMLElement);
  if (event.key === 'Escape') {
    close();
    anchor?.querySelector('button')?.focus();
  } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    const step = event.key === 'ArrowDown' ? 1 : -1;
    items[(index + step + items.length) % items.length]?.focus();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

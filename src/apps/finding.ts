/** What an examination of this machine found, one thing each. */
export interface Finding {
  /** Stable name of what was looked at. */
  readonly check: string;
  readonly level: 'ok' | 'warning' | 'error';
  readonly message: string;
  readonly hint?: string;
}

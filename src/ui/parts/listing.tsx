/** A list that is read over REST, in each of its states. */
import type { ComponentChildren } from 'preact';
import type { Loaded } from '../core/data.js';
import { Failed, SkeletonRows } from './basics.js';

interface ListingProps<T> {
  list: Loaded<readonly T[]>;
  onRetry: () => void;
  /** Grey rows while it is on its way; default 3. */
  rows?: number;
  /** In the place of an empty list. */
  blank: ComponentChildren;
  children: (items: readonly T[]) => ComponentChildren;
}

/** Grey rows, what went wrong with a way to try again, what stands for nothing, or the items. */
export function Listing<T>({ list, onRetry, rows = 3, blank, children }: ListingProps<T>) {
  if (list.kind === 'loading') return <SkeletonRows rows={rows} />;
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={onRetry} />;
  return <>{list.value.length === 0 ? blank : children(list.value)}</>;
}

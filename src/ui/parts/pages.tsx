/** A long list that is read over REST page by page, the newest first. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Loaded } from '../core/data.js';
import { Failed, SkeletonRows } from './basics.js';
import { useList } from './use-list.js';

export interface Page<T> {
  items: readonly T[];
  next_cursor: string | null;
}

export interface Pages<T> {
  list: Loaded<Page<T>>;
  /** Reads the page that is shown once more. */
  reload: () => void;
  /** The newest items are shown, not a later page. */
  isFirst: boolean;
  newer: () => void;
  older: () => void;
}

/** Reads the first page at once, and others on demand. `load` is given what the query of the page needs. */
export function usePages<T>(load: (query: { limit: number; cursor?: string }, signal: AbortSignal) => Promise<Page<T>>): Pages<T> {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const { list, reload } = useList((signal) => load(cursor === undefined ? { limit: 50 } : { limit: 50, cursor }, signal), cursor);
  const next = list.kind === 'ready' ? list.value.next_cursor : null;
  return {
    list,
    reload,
    isFirst: cursors.length === 0,
    newer: () => setCursors(cursors.slice(0, -1)),
    older: () => next !== null && setCursors([...cursors, next]),
  };
}

interface PagedProps<T> {
  pages: Pages<T>;
  /** Grey rows while the first page is on its way; default 4. */
  rows?: number;
  /** In the place of an empty list. */
  blank: ComponentChildren;
  children: (items: readonly T[]) => ComponentChildren;
}

/** Grey rows, what went wrong with a way to try again, what stands for nothing, or the items with the way to other pages. */
export function Paged<T>({ pages, rows = 4, blank, children }: PagedProps<T>) {
  const { list, isFirst } = pages;
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={pages.reload} />;
  if (list.kind === 'loading') {
    return (
      <section class="card">
        <SkeletonRows rows={rows} />
      </section>
    );
  }
  const { items, next_cursor: next } = list.value;
  return (
    <>
      {items.length === 0 && next === null ? blank : children(items)}
      {(!isFirst || next !== null) && (
        <div class="pager">
          {!isFirst && (
            <button type="button" class="btn" onClick={pages.newer}>
              Newer
            </button>
          )}
          {next !== null && (
            <button type="button" class="btn" onClick={pages.older}>
              Older
            </button>
          )}
        </div>
      )}
    </>
  );
}

/** Whole lists out of pages, whichever way they are paged. */
import type { RouteAnswer, RouteName } from '../../contracts/index.js';
import type { CallInput, Client } from './client.js';

type Query = NonNullable<CallInput['query']>;

/** Routes that are paged by cursor. */
type CursorRoute = {
  [N in RouteName]: RouteAnswer<N> extends { items: unknown[]; next_cursor: string | null } ? N : never;
}[RouteName];
type ItemOf<N extends RouteName> = RouteAnswer<N> extends { items: (infer T)[] } ? T : never;

/** Every item, at most `most` of them (default: all), in the order of the route. */
export async function allPages<N extends CursorRoute>(
  client: Client,
  name: N,
  query: Query = {},
  most = Number.POSITIVE_INFINITY,
): Promise<ItemOf<N>[]> {
  const items: ItemOf<N>[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.min(500, most - items.length);
    const page = (await client.call(name, { query: { ...query, limit, cursor } })) as { items: ItemOf<N>[]; next_cursor: string | null };
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return items;
}

/** Everything that begins alike. Page by page, so it may be broken off and begun again; who lists while others write misses some. */
import type { ObjectStore } from './object-store.ts';
import { pagesUnder } from './pages-under.ts';

/** @throws when the store does not answer: to be tried again */
export async function deleteAll(store: Pick<ObjectStore, 'list' | 'delete'>, prefix: string): Promise<void> {
  for await (const { objects } of pagesUnder(store, prefix)) for (const { key } of objects) await store.delete(key);
}

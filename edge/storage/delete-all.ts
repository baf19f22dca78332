/** Everything that begins alike. Page by page, so it may be broken off and begun again; who lists while others write misses some. */
import type { ObjectStore } from './object-store.ts';

/** @throws when the store does not answer: to be tried again */
export async function deleteAll(store: Pick<ObjectStore, 'list' | 'delete'>, prefix: string): Promise<void> {
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await store.list(prefix, cursor === undefined ? {} : { cursor });
    for (const { key } of page.objects) await store.delete(key);
    cursor = page.cursor;
  }
}

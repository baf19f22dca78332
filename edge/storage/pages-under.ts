/** Everything in the store whose key begins alike, page by page. A page may be short, even empty, and not be the last. */
import type { ObjectPage, ObjectStore } from './object-store.ts';

/** `limit`: of one page. Who lists while others write misses some. @throws when the store does not answer */
export async function* pagesUnder(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  limit?: number,
): AsyncGenerator<ObjectPage> {
  let cursor: string | undefined;
  do {
    const page = await store.list(prefix, {
      ...(limit !== undefined && { limit }),
      ...(cursor !== undefined && { cursor }),
    });
    yield page;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

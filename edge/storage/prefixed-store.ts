/**
 * A part of a bucket as if it were a whole one: every key has a prefix there that nobody above sees. So two edges may share a bucket
 * and never meet, whatever either of them stores, lists or removes.
 */
import type { ObjectStore } from './object-store.ts';

/** `prefix` ends with a slash. */
export function prefixedStore(store: ObjectStore, prefix: string): ObjectStore {
  const at = (key: string): string => prefix + key;
  return {
    head: (key) => store.head(at(key)),
    get: (key, options) => store.get(at(key), options),
    put: (key, body, expected) => store.put(at(key), body, expected),
    putIfAbsent: (key, body, expected) => store.putIfAbsent(at(key), body, expected),
    delete: (key) => store.delete(at(key)),
    list: async (begin, options) => {
      const page = await store.list(at(begin), options);
      return { ...page, objects: page.objects.map((each) => ({ ...each, key: each.key.slice(prefix.length) })) };
    },
    createMultipart: (key, described) => store.createMultipart(at(key), described),
    uploadPart: (key, ...part) => store.uploadPart(at(key), ...part),
    completeMultipart: (key, ...parts) => store.completeMultipart(at(key), ...parts),
    abortMultipart: (key, uploadId) => store.abortMultipart(at(key), uploadId),
  };
}

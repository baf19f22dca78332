/** A small object of ours. Put again it is the same one, so whoever was broken off begins anew. */
import { sha256Hex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import type { ObjectStore } from './object-store.ts';

export async function putJson(store: Pick<ObjectStore, 'put'>, key: string, value: unknown): Promise<void> {
  const bytes = utf8ToBytes(JSON.stringify(value));
  await store.put(key, bytes, { size: bytes.length, sha256: sha256Hex(bytes), contentType: 'application/json' });
}

/**
 * A short text out of a store, whole or not at all, within a time and a size: a store that begins an answer and never ends it would
 * else hold up publishing for ever or fill the memory of an isolate, and one that breaks off would have half a record parsed.
 */
import { type ObjectStore, READING_MS } from './object-store.ts';
import { ObjectStoreError } from './object-store-error.ts';

/** Some times the largest that is put there: what all who vouch for an image have signed, half a megabyte each. */
const MAX_BYTES = 32 * 1024 * 1024;

/** @throws Error where it breaks off, has not ended in time, or goes on behind `MAX_BYTES` */
export async function readText(body: ReadableStream<Uint8Array> | null, timeoutMs: number): Promise<string> {
  if (!body) return '';
  const reader = body.getReader();
  let isLate = false;
  let sizeBytes = 0;
  const timer = setTimeout(() => {
    isLate = true;
    reader.cancel().catch(() => undefined);
  }, timeoutMs);
  try {
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      // What is cancelled ends as if it were whole.
      if (isLate) throw new Error(`no end of the answer within ${timeoutMs} ms`);
      if (done) return text + decoder.decode();
      sizeBytes += value.byteLength;
      if (sizeBytes > MAX_BYTES) {
        await reader.cancel();
        throw new Error(`expected a text of at most ${MAX_BYTES} bytes, got more`);
      }
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Null where there is no such object. @throws ObjectStoreError */
export async function storedText(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  timeoutMs: number = READING_MS,
): Promise<string | null> {
  const object = await store.get(key);
  if (!object.exists) return null;
  try {
    return await readText(object.body, timeoutMs);
  } catch (cause) {
    throw new ObjectStoreError('unavailable', `the object store broke off while ${key} was read`, { cause });
  }
}

/** The same for what is JSON. What is none is not what we have put there: a proxy's page, or half of it. @throws ObjectStoreError */
export async function storedJson<Value>(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  timeoutMs?: number,
): Promise<Value | null> {
  const text = await storedText(store, key, timeoutMs);
  if (text === null) return null;
  try {
    return JSON.parse(text) as Value;
  } catch (cause) {
    throw new ObjectStoreError('unavailable', `expected JSON in the object store as ${key}`, { cause });
  }
}

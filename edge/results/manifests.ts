/**
 * Lists of packages by their hash of 15 digits, as published beside the images that have them. Such a list never changes under
 * its name, so a copy is as good as the original. What is read is hashed again before it is told: an object that is damaged, or
 * another's, is none. (Two lists with one hash can be made on purpose; the first one stays, and no image depends on it.)
 */
import { LRUCache } from 'lru-cache';
import { storeKey } from '../../shared/build/build-record.ts';
import { manifestHash } from '../../shared/seed/hashes.ts';
import { LIFETIMES } from '../lifetimes.ts';
import type { Visit } from '../limits/visit.ts';
import { logError } from '../log.ts';
import { kvTrouble } from '../storage/kv-trouble.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { storedText } from '../storage/read-text.ts';

const manifestKey = (hash: string): string => `manifest/${hash}`;
/** One that nobody asks for leaves KV; the store has it still. */
const KV_TTL_SECONDS = 30 * 86_400;

export class Manifests {
  readonly #memory = new LRUCache<string, string>({
    maxSize: LIFETIMES.manifestsInMemoryBytes,
    sizeCalculation: (text) => 200 + text.length,
  });
  /** Hashes that nobody's packages had a moment ago. */
  readonly #unknown = new LRUCache<string, true>({ max: 10_000, ttl: LIFETIMES.unknownHashMs, ttlResolution: 0 });
  readonly #cache: KVNamespace;
  readonly #store: ObjectStore;

  constructor(cache: KVNamespace, store: ObjectStore) {
    this.#cache = cache;
    this.#store = store;
  }

  /**
   * As JSON: package name → version. Undefined: no public image has these packages.
   * @throws BuildError `too_many_requests`, or whatever a store throws that does not answer
   */
  async find(hash: string, visit: Visit): Promise<string | undefined> {
    const held = this.#memory.get(hash);
    if (held !== undefined) return held;
    if (this.#unknown.has(hash)) return undefined;
    visit.refuseIfSpent('misses');
    const near = await this.#cache.get(manifestKey(hash)).catch(kvTrouble('manifests', 'read'));
    if (near && isOf(hash, near)) return this.#remember(hash, near);
    await visit.charge('misses');
    const stored = await this.#fromStore(hash);
    if (stored === undefined) {
      this.#unknown.set(hash, true);
      return undefined;
    }
    await this.#cache
      .put(manifestKey(hash), stored, { expirationTtl: KV_TTL_SECONDS })
      .catch(kvTrouble('manifests', 'written'));
    return this.#remember(hash, stored);
  }

  async #fromStore(hash: string): Promise<string | undefined> {
    const key = storeKey.manifest(hash);
    const text = await storedText(this.#store, key);
    if (text === null) return undefined;
    if (isOf(hash, text)) return text;
    logError('what is in the store is not what has this hash', { key });
    return undefined;
  }

  #remember(hash: string, text: string): string {
    this.#memory.set(hash, text);
    return text;
  }
}

function isOf(hash: string, text: string): boolean {
  try {
    return manifestHash(JSON.parse(text)) === hash;
  } catch {
    return false;
  }
}

/**
 * Where heads of builds' hashes led a moment ago: memory, and KV behind it. A hash that stands here is no promise: its files may be
 * lost, or its time be over.
 */
import { LRUCache } from 'lru-cache';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { pathOf } from '../../shared/seed/file-path.ts';
import { LIFETIMES } from '../lifetimes.ts';
import { kvTrouble } from '../storage/kv-trouble.ts';

export const prefixKey = (prefix: string): string => `prefix/${prefix}`;

export class KnownPrefixes {
  readonly #found = new LRUCache<string, string>({ max: 20_000, ttl: LIFETIMES.resultInMemoryMs, ttlResolution: 0 });
  /** Heads of nothing: a flood of them must stay here. */
  readonly #missing = new LRUCache<string, true>({ max: 10_000, ttl: LIFETIMES.unbuiltMs, ttlResolution: 0 });
  readonly #cache: KVNamespace;

  constructor(cache: KVNamespace) {
    this.#cache = cache;
  }

  /** Null: it led nowhere. Undefined: nobody asked lately. */
  inMemory(prefix: string): string | null | undefined {
    return this.#found.get(prefix) ?? (this.#missing.has(prefix) ? null : undefined);
  }

  leadsTo(prefix: string, requestHash: string): void {
    this.#found.set(prefix, requestHash);
  }

  /** A client is told the path of this build. */
  tells(requestHash: string): void {
    this.leadsTo(pathOf(requestHash), requestHash);
  }

  leadsNowhere(prefix: string): void {
    this.#missing.set(prefix, true);
  }

  /** One read of KV. */
  async fromCache(prefix: string): Promise<string | undefined> {
    const found = await this.#cache.get(prefixKey(prefix)).catch(kvTrouble('prefixes', 'read'));
    if (!found || !isSha256Hex(found) || !found.startsWith(prefix)) return undefined;
    this.leadsTo(prefix, found);
    return found;
  }

  /** Of public builds alone: what was made with secrets has a short life, and KV remembers for long. */
  async toCache(prefix: string, requestHash: string): Promise<void> {
    const options = { expirationTtl: LIFETIMES.prefixInKvSeconds };
    await this.#cache.put(prefixKey(prefix), requestHash, options).catch(kvTrouble('prefixes', 'written'));
  }
}

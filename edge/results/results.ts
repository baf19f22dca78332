/**
 * Finished builds, nearest copy first: isolate memory, then KV (one read), then the object store, which is the truth. KV
 * may answer "no" for a minute after it was written, so only the store's "no" is one.
 */
import { LRUCache } from 'lru-cache';
import { isRemembered } from '../../shared/build/build-error.ts';
import { type BuildRecord, type FailureRecord, type StoredResult, storeKey } from '../../shared/build/build-record.ts';
import { LIFETIMES } from '../lifetimes.ts';
import { kvTrouble } from '../storage/kv-trouble.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { storedJson } from '../storage/read-text.ts';
import { BuiltResult, FailedResult, type KeptRecord, type Result } from './kept-result.ts';
import { resultKey } from './result-key.ts';

export class Results {
  readonly #memory = new LRUCache<string, Result>({
    maxSize: LIFETIMES.resultsInMemoryBytes,
    sizeCalculation: (result) => result.sizeBytes,
    ttl: LIFETIMES.resultInMemoryMs,
    // The library caches its clock by a timer, and a Worker's timers end with the request that set them.
    ttlResolution: 0,
  });
  /** Intent to build: two names of one result must not count it twice. */
  readonly #latest = new LRUCache<string, string>({ max: 20_000 });
  /** Hashes of which nobody knew anything a moment ago: a flood of polls for nothing must stay here. */
  readonly #unknown = new LRUCache<string, true>({ max: 10_000, ttl: LIFETIMES.unknownHashMs, ttlResolution: 0 });
  /** Builds of which the store had no record a moment ago, as downloads ask: they may well be under way. */
  readonly #unbuilt = new LRUCache<string, true>({ max: 10_000, ttl: LIFETIMES.unbuiltMs, ttlResolution: 0 });
  readonly #cache: KVNamespace;
  readonly #store: ObjectStore;

  constructor(cache: KVNamespace, store: ObjectStore) {
    this.#cache = cache;
    this.#store = store;
  }

  inMemory(key: string): Result | undefined {
    return this.#memory.get(this.#latest.get(key) ?? key);
  }

  isUnknown(requestHash: string): boolean {
    return this.#unknown.has(requestHash);
  }

  rememberUnknown(requestHash: string): void {
    this.#unknown.set(requestHash, true);
  }

  /** Somebody asked for the image of which it is the hash. */
  forgetUnknown(requestHash: string): void {
    this.#unknown.delete(requestHash);
    this.#unbuilt.delete(requestHash);
  }

  isUnbuilt(requestHash: string): boolean {
    return this.#unbuilt.has(requestHash);
  }

  rememberUnbuilt(requestHash: string): void {
    this.#unbuilt.set(requestHash, true);
  }

  /** From KV, one read; undefined also where KV does not know yet. */
  async fromCache(key: string): Promise<Result | undefined> {
    // A cache that does not answer is a cache without the answer.
    const stored = await this.#cache.get<StoredResult>(key, 'json').catch(kvTrouble('results', 'read'));
    if (stored?.kind === 'built') return this.#remember(new BuiltResult(stored.record));
    if (stored?.kind === 'failed') return this.#remember(new FailedResult(stored.failure));
    return undefined;
  }

  /** The build of this name from the store, and into KV under its name and what `alsoKnownAs` says of it. */
  async buildFromStore(
    requestHash: string,
    now: number,
    alsoKnownAs: (built: BuiltResult) => readonly string[] = () => [],
  ): Promise<BuiltResult | undefined> {
    const record = await this.#recordFromStore(requestHash, now);
    return record && record.unpublishedAt === undefined ? this.#keep(record, alsoKnownAs) : undefined;
  }

  /**
   * The same for who fetches its files: also what is unpublished, as long as those fetch it who were told of it before. Such is
   * remembered nowhere, or others would be told of it (docs/garbage.md).
   */
  async fetchableFromStore(requestHash: string, now: number): Promise<BuiltResult | undefined> {
    const record = await this.#recordFromStore(requestHash, now);
    if (record?.unpublishedAt !== undefined) return new BuiltResult(record);
    return record && this.#keep(record);
  }

  async #recordFromStore(requestHash: string, now: number): Promise<BuildRecord | undefined> {
    const record = await storedJson<BuildRecord>(this.#store, storeKey.build(requestHash));
    if (!record || record.requestHash !== requestHash) return undefined;
    return record.expiresAt !== null && record.expiresAt <= now ? undefined : record;
  }

  /** In memory and in KV, where it is everybody's. */
  async #keep(
    record: BuildRecord,
    alsoKnownAs: (built: BuiltResult) => readonly string[] = () => [],
  ): Promise<BuiltResult> {
    const built = new BuiltResult(record);
    const { requestHash } = record;
    if (!record.private) {
      const isHeld = this.#memory.peek(resultKey.build(requestHash))?.kind === 'built';
      this.#remember(built);
      // KV takes one write a second for a key, and many isolates may come here at once: each writes once.
      if (isHeld) return built;
      const stored = JSON.stringify({ kind: 'built', record } satisfies StoredResult);
      const keys = [resultKey.build(requestHash), ...alsoKnownAs(built)];
      await Promise.all(keys.map((key) => this.#cache.put(key, stored).catch(kvTrouble('results', 'written'))));
    }
    return built;
  }

  /** The whole record of an image that anybody may know of: what is kept of it in memory is little more than its answer. */
  async publicRecord(requestHash: string): Promise<BuildRecord | undefined> {
    const near = await this.#cache
      .get<StoredResult>(resultKey.build(requestHash), 'json')
      .catch(kvTrouble('results', 'read'));
    const record =
      near?.kind === 'built' ? near.record : await storedJson<BuildRecord>(this.#store, storeKey.build(requestHash));
    const isTold = record?.requestHash === requestHash && !record.private && record.unpublishedAt === undefined;
    return isTold ? record : undefined;
  }

  /**
   * The latest generation of an intent. One that is of no use stays out of KV under the intent's name: there it would
   * overwrite its successor, which another isolate may have put there a moment ago.
   */
  async latestFromStore(
    intentHash: string,
    now: number,
    isUsable: (built: BuiltResult) => boolean,
  ): Promise<BuiltResult | undefined> {
    const pointer = await storedJson<{ requestHash: string }>(this.#store, storeKey.intent(intentHash));
    if (!pointer) return undefined;
    return this.buildFromStore(pointer.requestHash, now, (built) =>
      isUsable(built) ? [resultKey.intent(intentHash)] : [],
    );
  }

  /**
   * A file of the build is not in the store any more: the record is false and goes from everywhere, so that the next request
   * builds the image anew instead of being promised it for ever.
   */
  async forget(record: KeptRecord): Promise<void> {
    const keys = [resultKey.build(record.requestHash), resultKey.intent(record.intentHash)];
    for (const key of keys) this.#memory.delete(key);
    this.#latest.delete(resultKey.intent(record.intentHash));
    // Of a copy that is old the store may have the successor by now, under the same name.
    const there = await storedJson<BuildRecord>(this.#store, storeKey.build(record.requestHash));
    if (there?.leaseId === record.leaseId) await this.#store.delete(storeKey.build(record.requestHash));
    await Promise.all(keys.map((key) => this.#cache.delete(key).catch(kvTrouble('results', 'written'))));
  }

  /** What an answer of the Foreman taught; failures keep the shorter life. */
  rememberFailure(failure: FailureRecord): FailedResult {
    return this.#remember(new FailedResult(failure));
  }

  #remember<R extends Result>(result: R): R {
    if (result.kind === 'built') {
      const { record } = result;
      if (record.private) return result;
      this.#memory.set(resultKey.build(record.requestHash), result);
      if (this.#isNews(record))
        this.#latest.set(resultKey.intent(record.intentHash), resultKey.build(record.requestHash));
      return result;
    }
    if (result.failure.private) return result;
    const life = { ttl: LIFETIMES.failureInMemoryMs };
    this.#memory.set(resultKey.build(result.failure.requestHash), result, life);
    if (isRemembered(result.failure.kind) && this.#isNews(result.failure))
      this.#latest.set(resultKey.intent(result.failure.intentHash), resultKey.build(result.failure.requestHash));
    return result;
  }

  /** An old generation that somebody polls for must not stand in for the latest. */
  #isNews({ intentHash, generation }: { readonly intentHash: string; readonly generation: number }): boolean {
    const known = this.inMemory(resultKey.intent(intentHash));
    return generation >= (known?.kind === 'built' ? known.record.generation : (known?.failure.generation ?? 0));
  }
}

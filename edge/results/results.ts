/**
 * Finished builds, nearest copy first: isolate memory, then KV (one read), then the object store, which is the truth. KV
 * may answer "no" for a minute after it was written, so only the store's "no" is one.
 */
import { LRUCache } from 'lru-cache';
import { isRemembered } from '../../shared/build-error.ts';
import { type BuildRecord, type FailureRecord, type StoredResult, storeKey } from '../../shared/build-record.ts';
import { doneTail } from '../../shared/build-result.ts';
import type { ArchDocument, TargetDocument } from '../../shared/catalogue-document.ts';
import { isFresh } from '../../shared/freshness.ts';
import { LIFETIMES } from '../lifetimes.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { resultKey } from './result-key.ts';

/** A built result as an isolate keeps it: with its answer made, and its freshness remembered per state of upstream. */
export class BuiltResult {
  readonly kind = 'built';
  readonly record: BuildRecord;
  #tail: string | undefined;
  #fresh:
    | { readonly target: string; readonly imageBuilder: string; readonly arch: string; readonly is: boolean }
    | undefined;

  constructor(record: BuildRecord) {
    this.record = record;
  }

  /** The answer's body but for `request`. */
  get tail(): string {
    this.#tail ??= doneTail(this.record);
    return this.#tail;
  }

  isFresh(target: TargetDocument, arch: ArchDocument): boolean {
    const known = this.#fresh;
    if (
      known?.target === target.packagesDigest &&
      known.arch === arch.packagesDigest &&
      known.imageBuilder === target.imageBuilder.sha256
    )
      return known.is;
    const is = isFresh(this.record, target, arch);
    this.#fresh = {
      target: target.packagesDigest,
      arch: arch.packagesDigest,
      imageBuilder: target.imageBuilder.sha256,
      is,
    };
    return is;
  }
}

export class FailedResult {
  readonly kind = 'failed';
  readonly failure: FailureRecord;

  constructor(failure: FailureRecord) {
    this.failure = failure;
  }
}

export type Result = BuiltResult | FailedResult;

const logged =
  (what: 'read' | 'written') =>
  (error: unknown): undefined => {
    console.error(`results: KV cannot be ${what}: ${error}`);
  };

export class Results {
  readonly #memory = new LRUCache<string, Result>({
    maxSize: LIFETIMES.resultsInMemoryBytes,
    sizeCalculation: (result) =>
      result.kind === 'built'
        ? 6_000 + 100 * Object.keys(result.record.manifest).length
        : 4_000 + 2 * (result.failure.stdout.length + result.failure.stderr.length),
    ttl: LIFETIMES.resultInMemoryMs,
  });
  readonly #cache: KVNamespace;
  readonly #store: ObjectStore;

  constructor(cache: KVNamespace, store: ObjectStore) {
    this.#cache = cache;
    this.#store = store;
  }

  inMemory(key: string): Result | undefined {
    return this.#memory.get(key);
  }

  /** From KV, one read; undefined also where KV does not know yet. */
  async fromCache(key: string): Promise<Result | undefined> {
    // A cache that does not answer is a cache without the answer.
    const stored = await this.#cache.get<StoredResult>(key, 'json').catch(logged('read'));
    if (stored?.kind === 'built') return this.#remember(new BuiltResult(stored.record));
    if (stored?.kind === 'failed') return this.#remember(new FailedResult(stored.failure));
    return undefined;
  }

  /** The build of this name from the store, and into KV where it may be there. */
  async buildFromStore(requestHash: string, now: number): Promise<BuiltResult | undefined> {
    const record = await this.#readJson<BuildRecord>(storeKey.build(requestHash));
    if (!record || record.requestHash !== requestHash) return undefined;
    if (record.expiresAt !== null && record.expiresAt <= now) return undefined;
    const built = new BuiltResult(record);
    if (!record.private) {
      this.#remember(built);
      // KV takes one write a second for a key, and many isolates may come here at once.
      await this.#cache
        .put(resultKey.build(requestHash), JSON.stringify({ kind: 'built', record }))
        .catch(logged('written'));
    }
    return built;
  }

  /** The latest generation of an intent. */
  async latestFromStore(intentHash: string, now: number): Promise<BuiltResult | undefined> {
    const pointer = await this.#readJson<{ requestHash: string }>(storeKey.intent(intentHash));
    const built = pointer && (await this.buildFromStore(pointer.requestHash, now));
    if (built && !built.record.private)
      await this.#cache
        .put(resultKey.intent(intentHash), JSON.stringify({ kind: 'built', record: built.record }))
        .catch(logged('written'));
    return built;
  }

  /**
   * A file of the build is not in the store any more: the record is false and goes from everywhere, so that the next request
   * builds the image anew instead of being promised it for ever.
   */
  async forget(record: BuildRecord): Promise<void> {
    const keys = [resultKey.build(record.requestHash), resultKey.intent(record.intentHash)];
    for (const key of keys) this.#memory.delete(key);
    await this.#store.delete(storeKey.build(record.requestHash));
    await Promise.all(keys.map((key) => this.#cache.delete(key).catch(logged('written'))));
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
      if (this.#isNews(record)) this.#memory.set(resultKey.intent(record.intentHash), result);
      return result;
    }
    if (result.failure.private) return result;
    const life = { ttl: LIFETIMES.failureInMemoryMs };
    this.#memory.set(resultKey.build(result.failure.requestHash), result, life);
    if (isRemembered(result.failure.kind) && this.#isNews(result.failure))
      this.#memory.set(resultKey.intent(result.failure.intentHash), result, life);
    return result;
  }

  /** An old generation that somebody polls for must not stand in for the latest. */
  #isNews({ intentHash, generation }: { readonly intentHash: string; readonly generation: number }): boolean {
    const known = this.#memory.get(resultKey.intent(intentHash));
    return generation >= (known?.kind === 'built' ? known.record.generation : (known?.failure.generation ?? 0));
  }

  async #readJson<T>(key: string): Promise<T | undefined> {
    const object = await this.#store.get(key);
    if (!object.exists) return undefined;
    return (await new Response(object.body).json()) as T;
  }
}

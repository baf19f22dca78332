/**
 * Short hashes of the old API as an isolate knows them: memory, then KV, and the Foreman alone decides. Polls come by the
 * thousand and ask KV at most. KV lags: for a minute it may deny a name that was just given, or lead to the build of before. So
 * its "no" is no answer, and where it leads to a build that is over, the Foreman is asked whether a newer one has the name.
 */
import { LRUCache } from 'lru-cache';
import { BuildError } from '../../shared/build-error.ts';
import { isSha256Hex } from '../../shared/digest.ts';
import type { Dialect } from '../../shared/seed/dialect.ts';
import type { RequestName } from '../../shared/seed/request-name.ts';
import type { ForemanCalls } from '../edge-context.ts';
import type { NameEntry } from '../foreman/names.ts';
import { LIFETIMES } from '../lifetimes.ts';
import type { Visit } from '../limits/visit.ts';

export const nameKey = (name: string): string => `name/${name}`;

export class Names {
  readonly #memory = new LRUCache<string, NameEntry>({ max: 10_000, ttl: LIFETIMES.nameInMemoryMs, ttlResolution: 0 });
  /** Names that nobody had a moment ago. */
  readonly #unknown = new LRUCache<string, true>({ max: 10_000, ttl: LIFETIMES.unknownHashMs, ttlResolution: 0 });
  /** Names of which the Foreman said a moment ago where they lead. */
  readonly #sure = new LRUCache<string, true>({ max: 10_000, ttl: LIFETIMES.sureNameMs, ttlResolution: 0 });
  readonly #cache: KVNamespace;
  readonly #foreman: () => Pick<ForemanCalls, 'claimName' | 'findName'>;

  constructor(cache: KVNamespace, foreman: () => Pick<ForemanCalls, 'claimName' | 'findName'>) {
    this.#cache = cache;
    this.#foreman = foreman;
  }

  /** Without the Foreman. @throws BuildError `too_many_requests` */
  async known(name: string, visit: Visit): Promise<NameEntry | undefined> {
    const held = this.#memory.get(name);
    if (held) return held;
    visit.refuseIfSpent('misses');
    return this.#fromCache(name);
  }

  /** Undefined where nobody has it. @throws BuildError `too_many_requests` */
  async find(name: string, visit: Visit): Promise<NameEntry | undefined> {
    if (!this.#memory.has(name) && this.#unknown.has(name)) return undefined;
    const known = await this.known(name, visit);
    if (known) return known;
    await visit.charge('misses');
    const found = await this.#foreman().findName(name);
    if (found) return this.#heard(name, found);
    this.#unknown.set(name, true);
    return undefined;
  }

  /** What `find` said, or what has become of it since. Where the Foreman cannot be asked, what is known has to do. */
  async newest(name: string, known: NameEntry, visit: Visit): Promise<NameEntry> {
    if (this.#sure.has(name)) return known;
    try {
      await visit.charge('misses');
      const found = await this.#foreman().findName(name);
      return found ? this.#heard(name, found) : known;
    } catch (error) {
      if (!(error instanceof BuildError)) console.error(`names: the Foreman does not answer: ${error}`);
      return known;
    }
  }

  /**
   * What this request is to poll for: its name, or the full hash of its build where another has the name, or none can be given.
   * @throws BuildError `too_many_requests`
   */
  async give({ name, identity }: RequestName, dialect: Dialect, requestHash: string, visit: Visit): Promise<string> {
    const entry: NameEntry = { identity, dialect, requestHash };
    const held = this.#memory.get(name);
    if (held?.identity === identity && held.requestHash === requestHash) return name;
    if (!held || held.identity === identity) {
      await visit.charge('misses');
      const owner = await this.#claim(name, entry);
      if (owner?.identity === identity) {
        await this.#toCache(name, owner);
        return name;
      }
    }
    // Who polls by a full hash is answered as most are; who is not has to be remembered.
    if (dialect === 'split' && !this.#memory.has(requestHash)) {
      await visit.charge('misses');
      this.#memory.set(requestHash, entry);
      await this.#toCache(requestHash, entry);
    }
    return requestHash;
  }

  /** In which dialect who polls by a full hash is answered. */
  async dialectOf(requestHash: string): Promise<Dialect> {
    const held = this.#memory.get(requestHash);
    if (held) return held.dialect;
    if (this.#unknown.has(requestHash)) return 'joined';
    const found = await this.#fromCache(requestHash);
    if (!found) this.#unknown.set(requestHash, true);
    return found?.dialect ?? 'joined';
  }

  /** Null also where the Foreman does not answer: what was asked for is under way, and can be polled without a name. */
  async #claim(name: string, entry: NameEntry): Promise<NameEntry | null> {
    try {
      const owner = await this.#foreman().claimName(name, entry);
      return owner && this.#heard(name, owner);
    } catch (error) {
      console.error(`names: the Foreman does not answer: ${error}`);
      return null;
    }
  }

  #heard(name: string, entry: NameEntry): NameEntry {
    this.#unknown.delete(name);
    this.#sure.set(name, true);
    this.#memory.set(name, entry);
    return entry;
  }

  async #fromCache(name: string): Promise<NameEntry | undefined> {
    // A cache that does not answer is a cache without the answer.
    const entry = await this.#cache.get<NameEntry>(nameKey(name), 'json').catch((error: unknown) => {
      console.error(`names: KV cannot be read: ${error}`);
      return null;
    });
    if (!entry || !isSha256Hex(entry.requestHash)) return undefined;
    this.#memory.set(name, entry);
    return entry;
  }

  async #toCache(name: string, entry: NameEntry): Promise<void> {
    const options = { expirationTtl: LIFETIMES.nameInKvSeconds };
    await this.#cache.put(nameKey(name), JSON.stringify(entry), options).catch((error: unknown) => {
      console.error(`names: KV cannot be written: ${error}`);
    });
  }
}

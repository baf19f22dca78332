/**
 * Short hashes of the old API as an isolate knows them: memory, then KV, and the Foreman alone decides. Polls come by the
 * thousand and ask KV at most. KV lags: for a minute it may deny a name that was just given, or lead to the build of before. So
 * its "no" is no answer, and where it leads to a build that is over, the Foreman is asked whether a newer one has the name.
 */
import { LRUCache } from 'lru-cache';
import { BuildError } from '../../shared/build/build-error.ts';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import type { Dialect } from '../../shared/seed/dialect.ts';
import type { RequestName } from '../../shared/seed/request-name.ts';
import type { ForemanCalls } from '../edge-context.ts';
import type { NameEntry } from '../foreman/publishing/names.ts';
import { LIFETIMES } from '../lifetimes.ts';
import type { Visit } from '../limits/visit.ts';
import { logError } from '../log.ts';
import { kvTrouble } from '../storage/kv-trouble.ts';

export const nameKey = (name: string): string => `name/${name}`;

/** What a name is given to. */
export interface NamedBuild {
  readonly dialect: Dialect;
  readonly requestHash: string;
  readonly isPending: boolean;
  readonly isPrivate: boolean;
}

/** The name of a build that is no request's: its full hash, with a letter behind it for the dialect that few speak. */
const wholeName = (requestHash: string, dialect: Dialect): string =>
  dialect === 'split' ? `${requestHash}s` : requestHash;

/** Null for what is no such name. */
export function parseWholeName(name: string): { readonly requestHash: string; readonly dialect: Dialect } | null {
  const requestHash = name.slice(0, 64);
  if (!isSha256Hex(requestHash) || !['', 's'].includes(name.slice(64))) return null;
  return { requestHash, dialect: name.length > 64 ? 'split' : 'joined' };
}

export class Names {
  readonly #memory = new LRUCache<string, NameEntry>({ max: 10_000, ttl: LIFETIMES.nameInMemoryMs, ttlResolution: 0 });
  /** Names that nobody had a moment ago. */
  readonly #unknown = new LRUCache<string, true>({ max: 10_000, ttl: LIFETIMES.unknownHashMs, ttlResolution: 0 });
  /** Names that were not to be had a moment ago: the register is full, or does not answer. */
  readonly #refused = new LRUCache<string, true>({ max: 10_000, ttl: LIFETIMES.unknownHashMs, ttlResolution: 0 });
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
    const near = await this.#fromCache(name);
    // A flood of requests with names that nobody has must not read KV for nothing.
    if (!near) await visit.charge('misses');
    return near;
  }

  /** Undefined where nobody has it. @throws BuildError `too_many_requests` */
  async find(name: string, visit: Visit): Promise<NameEntry | undefined> {
    if (!this.#memory.has(name) && this.#unknown.has(name)) return undefined;
    const known = await this.known(name, visit);
    if (known) return known;
    const found = await this.#foreman().findName(name);
    if (found) return this.#heard(name, found);
    this.#unknown.set(name, true);
    return undefined;
  }

  /** What `find` said, or what has become of it since. Where the Foreman cannot be asked, what is known has to do. */
  async newest(name: string, known: NameEntry, visit: Visit): Promise<NameEntry> {
    // It may have been heard of while the caller waited for something else.
    if (this.#sure.has(name)) return this.#memory.get(name) ?? known;
    try {
      await visit.charge('misses');
      const found = await this.#foreman().findName(name);
      return found ? this.#heard(name, found) : known;
    } catch (error) {
      if (!(error instanceof BuildError)) logError('names: the Foreman does not answer', { error });
      return known;
    }
  }

  /** What this request is to poll for: its name, or its build's own where another has the name, or none can be given. */
  async give({ name, identity }: RequestName, built: NamedBuild, visit: Visit): Promise<string> {
    const { dialect, requestHash } = built;
    const held = this.#memory.get(name);
    if (held?.identity === identity && held.requestHash === requestHash) return name;
    if ((held && held.identity !== identity) || this.#refused.has(name)) return wholeName(requestHash, dialect);
    try {
      // A name for what is there already costs as much as what is not: else one image would do to fill the register.
      await visit.charge(built.isPending ? 'misses' : 'builds');
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      // Its build is under way or done, and can be asked for all the same.
      return wholeName(requestHash, dialect);
    }
    const owner = await this.#claim(name, { identity, dialect, requestHash });
    if (owner?.identity !== identity) {
      if (!owner) this.#refused.set(name, true);
      return wholeName(requestHash, dialect);
    }
    // What leads to an image with secrets stays where it can be forgotten.
    if (!built.isPrivate) await this.#toCache(name, owner);
    return name;
  }

  /** Null also where the Foreman does not answer: what was asked for is under way, and can be polled without a name. */
  async #claim(name: string, entry: NameEntry): Promise<NameEntry | null> {
    try {
      const owner = await this.#foreman().claimName(name, entry);
      return owner && this.#heard(name, owner);
    } catch (error) {
      logError('names: the Foreman does not answer', { error });
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
    const entry = await this.#cache.get<NameEntry>(nameKey(name), 'json').catch(kvTrouble('names', 'read'));
    if (!entry || !isSha256Hex(entry.requestHash)) return undefined;
    this.#memory.set(name, entry);
    return entry;
  }

  async #toCache(name: string, entry: NameEntry): Promise<void> {
    const options = { expirationTtl: LIFETIMES.nameInKvSeconds };
    await this.#cache.put(nameKey(name), JSON.stringify(entry), options).catch(kvTrouble('names', 'written'));
  }
}

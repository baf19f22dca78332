/**
 * What recent builds were given, so that the next one finds it in its own download directory and asks for nothing: a process
 * and a request a package cost a warm build a tenth of its time in the opkg era, and half of it in the apk era.
 *
 * Only what the proxy itself gave out by an index of upstream's is kept here, and only while the proxy would give it out again:
 * the digest is in the index (opkg), or still what is remembered for this index (apk). So a build is stocked with nothing that
 * it would not have got at its door. Kept in memory; a node that starts again learns anew.
 */
import { LRUCache } from 'lru-cache';
import type { LedgerScope } from './file-ledger.ts';

/** A package that a door gave to its build, by an index of upstream's. */
export interface Served {
  /** The index that it belongs to. */
  readonly edition: string;
  /** As the index has it. */
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Where it is remembered that this file is the one, if its mirror's word is all there is; null: the index has its digest. */
  readonly unverified: { readonly scope: LedgerScope; readonly name: string } | null;
}

export interface Stocked extends Omit<Served, 'edition'> {
  /** In the ImageBuilder's `dl/`: that of the index (opkg), or with a digest of apk's own in it. */
  readonly name: string;
}

/** Feeds of some days and architectures. */
const MAX_EDITIONS = 200;
/** More than any image has of one feed. */
const MAX_NAMES = 400;
/** Copied into each build: more would cost it what it is to save, and a disk what it was promised. */
const MAX_BUILD_BYTES = 96 * 1024 ** 2;

export class Larder {
  readonly #editions = new LRUCache<string, Map<string, Stocked>>({ max: MAX_EDITIONS });

  learn(learned: Iterable<Served & Stocked>): void {
    for (const { edition, ...stocked } of learned) {
      const names = this.#editions.get(edition) ?? new Map<string, Stocked>();
      put(names, stocked);
      const oldest = names.keys().next();
      if (names.size > MAX_NAMES && !oldest.done) names.delete(oldest.value);
      this.#editions.set(edition, names);
    }
  }

  /** For a build with these indexes: the last learned first, none under a name that stands for two of them. */
  for(editions: readonly string[]): readonly Stocked[] {
    const found = editions.flatMap((edition) => [...(this.#editions.get(edition)?.values() ?? [])].reverse());
    const digests = new Map<string, Set<string>>();
    for (const { name, sha256 } of found) digests.set(name, (digests.get(name) ?? new Set()).add(sha256));
    const chosen = new Map<string, Stocked>();
    let bytes = 0;
    for (const stocked of found) {
      const isClear = digests.get(stocked.name)?.size === 1 && !chosen.has(stocked.name);
      if (!isClear || bytes + stocked.sizeBytes > MAX_BUILD_BYTES) continue;
      bytes += stocked.sizeBytes;
      chosen.set(stocked.name, stocked);
    }
    return [...chosen.values()];
  }
}

/** The last learned is the last in order. */
function put(names: Map<string, Stocked>, stocked: Stocked): void {
  names.delete(stocked.name);
  names.set(stocked.name, stocked);
}

/**
 * What recent builds had in their own download directories, so that the next one finds it in its own and asks for nothing: a
 * process and a request a package cost a warm build a tenth of its time. Only names that stand for bytes which the proxy
 * itself served out of the same edition of a feed are believed: a build runs code of strangers, and may leave there what it
 * likes. Kept in memory; a node that starts again learns anew.
 */
import { LRUCache } from 'lru-cache';

export interface Stocked {
  /** In the ImageBuilder's `dl/`. */
  readonly name: string;
  readonly sha256: string;
}

/** A file that a door gave to its build. */
export interface Served {
  /** Digest of the index that names it. */
  readonly edition: string;
  readonly file: string;
  readonly sha256: string;
}

/** Feeds of some days and architectures. */
const MAX_EDITIONS = 200;
/** More than any image has of one feed. */
const MAX_NAMES = 400;

export class Larder {
  readonly #editions = new LRUCache<string, Map<string, string>>({ max: MAX_EDITIONS });

  /** The least recently wanted of an edition goes first. */
  learn(edition: string, { name, sha256 }: Stocked): void {
    const names = this.#editions.get(edition) ?? new Map<string, string>();
    names.delete(name);
    names.set(name, sha256);
    const oldest = names.keys().next();
    if (names.size > MAX_NAMES && !oldest.done) names.delete(oldest.value);
    this.#editions.set(edition, names);
  }

  of(edition: string): readonly Stocked[] {
    return [...(this.#editions.get(edition) ?? [])].map(([name, sha256]) => ({ name, sha256 }));
  }

  /** Whoever found something of it wanting. */
  forget(edition: string): void {
    this.#editions.delete(edition);
  }
}

/**
 * Can `name` be what an ImageBuilder calls the file that it downloaded as `file`? opkg keeps the name, apk puts eight digits of
 * its own digest before the suffix.
 */
export function isCachedName(name: string, file: string): boolean {
  if (name === file) return true;
  const stem = file.replace(/\.apk$/, '');
  return stem !== file && name.startsWith(`${stem}.`) && /^\.[0-9a-f]{8}\.apk$/.test(name.slice(stem.length));
}

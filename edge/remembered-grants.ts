/**
 * Grants of files of one PUT that this isolate got from the Foreman a moment ago, so that the bytes, which mostly come next, need
 * not ask for them again: there is one Foreman, and a release day brings hundreds of files a second. Each serves one PUT, of the
 * node and the bytes it was given for. Whether the lease has ended meanwhile is not known here and need not be: a file counts
 * only when the Foreman completes it.
 */
import { LRUCache } from 'lru-cache';
import type { StoredFile } from '../shared/build-record.ts';
import { LIFETIMES } from './lifetimes.ts';

/** Some 500 bytes each. */
const MAX_GRANTS = 4_096;

interface Remembered {
  readonly nodeId: string;
  readonly file: StoredFile;
}

export class RememberedGrants {
  readonly #kept: LRUCache<string, Remembered>;

  constructor(clock: { now(): number } = performance) {
    // Without timers: a Worker's end with their request.
    this.#kept = new LRUCache({ max: MAX_GRANTS, ttl: LIFETIMES.grantMs, ttlResolution: 0, perf: clock });
  }

  remember(nodeId: string, leaseId: string, file: StoredFile): void {
    const { name, sizeBytes, sha256 } = file;
    this.#kept.set(keyOf(leaseId, name), { nodeId, file: { name, sizeBytes, sha256 } });
  }

  /** Null where none is known of this node. Once only: what comes again may have been completed, as the Foreman knows. */
  take(nodeId: string, leaseId: string, name: string): StoredFile | null {
    const key = keyOf(leaseId, name);
    const kept = this.#kept.get(key);
    if (kept?.nodeId !== nodeId) return null;
    this.#kept.delete(key);
    return kept.file;
  }
}

/** No name of a file has a slash. */
const keyOf = (leaseId: string, name: string): string => `${leaseId}/${name}`;

/**
 * `sha256sums` of builds and what signs them: auc of 2018 flashes nothing else unless it is forced to. Made from the record and
 * never from a node's own list, for the signature is ours: it says what this server published, and nothing of who built it.
 */
import { LRUCache } from 'lru-cache';
import { utf8ToBytes } from '../../shared/crypto/digest.ts';
import { signUsign, type UsignKeyPair } from '../../shared/crypto/usign.ts';
import { imageSums } from '../../shared/seed/image-sums.ts';
import { LIFETIMES } from '../lifetimes.ts';
import type { BuiltResult } from '../results/kept-result.ts';

interface Signed {
  readonly sums: string;
  /** Two lines, as usign writes them; the same whoever makes them. */
  readonly signature: string;
}

export class SignedSums {
  readonly #memory = new LRUCache<string, Signed>({
    maxSize: LIFETIMES.sumsInMemoryBytes,
    sizeCalculation: ({ sums }) => 500 + sums.length,
  });
  readonly #key: UsignKeyPair;

  constructor(key: UsignKeyPair) {
    this.#key = key;
  }

  async of(built: Pick<BuiltResult, 'files' | 'images' | 'record'>): Promise<Signed> {
    const { requestHash } = built.record;
    const held = this.#memory.get(requestHash);
    if (held) return held;
    const sums = imageSums(built.files, built.images);
    const signed = { sums, signature: await signUsign(utf8ToBytes(sums), this.#key) };
    this.#memory.set(requestHash, signed);
    return signed;
  }
}

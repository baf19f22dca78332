/**
 * Packages of an index, to be found by a name that lies among other bytes: a `Map` would need a string of each name that is
 * looked up. Open addressing; a package's record is the JSON that an answer tells of it, so that telling it is copying it:
 *
 *   slots    hash, record │ hash, record │ 0, 0 │ …
 *   records  length of the name, length of the version, "vim":["9.1-2","  │ …
 */
import { hashOf } from './package-hash.ts';

/** So that a length is one byte. */
const MAX_WORD = 255;
/** The two lengths. */
const HEAD = 2;
/** Of a record, around its name and its version. */
const [BEFORE, BETWEEN, BEHIND] = ['"', '":["', '","'];

export class PackageTable {
  readonly #mask: number;
  /** Two numbers each; no record is at 0. */
  readonly #slots: Int32Array;
  readonly #records: Uint8Array;

  /** @param packages with words of ASCII, each name once; one with a word that is too long is left out */
  constructor(packages: Iterable<readonly [name: string, version: string]>) {
    const fitting = [...packages].filter(([name, version]) => Math.max(name.length, version.length) <= MAX_WORD);
    const records = fitting.map(([name, version]) => BEFORE + name + BETWEEN + version + BEHIND);
    const size = 2 ** Math.ceil(Math.log2(1 + 1.5 * fitting.length));
    this.#mask = size - 1;
    this.#slots = new Int32Array(2 * size);
    this.#records = new Uint8Array(records.reduce((sum, record) => sum + HEAD + record.length, 1));
    let at = 1;
    for (const [index, [name, version]] of fitting.entries()) {
      const hash = hashOf(name);
      let slot = hash & this.#mask;
      while (this.#slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots.set([hash, at], 2 * slot);
      this.#records.set([name.length, version.length], at);
      at += HEAD;
      for (const char of records[index] as string) this.#records[at++] = char.charCodeAt(0);
    }
  }

  /** Slots are numbered from 0. */
  get size(): number {
    return this.#mask + 1;
  }

  /** The slot of a package; -1: there is none. */
  slotOf(name: string): number {
    return this.find(
      Uint8Array.from(name, (char) => char.charCodeAt(0)),
      0,
      name.length,
      hashOf(name),
    );
  }

  /** The same of one whose name lies there. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const record = slots[2 * slot + 1] as number;
      if (record === 0) return -1;
      if (slots[2 * slot] === hash && this.#isWord(record, record + HEAD + BEFORE.length, bytes, start, end))
        return slot;
    }
  }

  /** Whether its version is what lies there. */
  isVersion(slot: number, bytes: Uint8Array, start: number, end: number): boolean {
    const record = this.#record(slot);
    const version = record + HEAD + BEFORE.length + (this.#records[record] as number) + BETWEEN.length;
    return this.#isWord(record + 1, version, bytes, start, end);
  }

  /** How much of a record is `"vim"`. */
  nameLength(slot: number): number {
    return 2 * BEFORE.length + (this.#records[this.#record(slot)] as number);
  }

  /** How long it is as a whole: `"vim":["9.1-2","`. */
  length(slot: number): number {
    const record = this.#record(slot);
    const words = (this.#records[record] as number) + (this.#records[record + 1] as number);
    return BEFORE.length + BETWEEN.length + BEHIND.length + words;
  }

  /** Puts so much of its record there. Returns where it ends. */
  copy(slot: number, length: number, to: Uint8Array, at: number): number {
    const records = this.#records;
    const from = this.#record(slot) + HEAD;
    // Too short for a call of what would copy them.
    for (let done = 0; done < length; done++) to[at + done] = records[from + done] as number;
    return at + length;
  }

  #record(slot: number): number {
    return this.#slots[2 * slot + 1] as number;
  }

  #isWord(lengthAt: number, wordAt: number, bytes: Uint8Array, start: number, end: number): boolean {
    const records = this.#records;
    if (records[lengthAt] !== end - start) return false;
    for (let done = end - start - 1; done >= 0; done--)
      if (records[wordAt + done] !== bytes[start + done]) return false;
    return true;
  }
}

/**
 * Packages of an index, to be found by a name that lies among other bytes: a `Map` would need a string of each name that is
 * looked up. Records lie in the order of their hash, so that looking one up reads two places of memory that no cache has, and
 * not four; and a record is the JSON that an answer tells of its package, so that telling it is copying it:
 *
 *   starts   of each hash, cut short: where the records of such names begin
 *   records  length of the name, length of the version, "vim":["9.1-2","  │ …
 */
import { hashOf } from './package-hash.ts';

/** So that a length is one byte. */
const MAX_WORD = 255;
/** The two lengths. */
const HEAD = 2;
/** Of a record, around its name and its version. */
const [BEFORE, BETWEEN, BEHIND] = ['"', '":["', '","'];
/** As a shift: no two records begin within eight bytes. */
const EIGHT = 3;
/** Behind the last record, since they are read by fours. */
const SPARE = 3;

export class PackageTable {
  readonly #mask: number;
  /** One more than there are short hashes. */
  readonly #starts: Int32Array;
  readonly #records: Uint8Array;
  readonly #view: DataView;

  /** @param packages with words of ASCII, each name once; one with a word that is too long is left out */
  constructor(packages: Iterable<readonly [name: string, version: string]>) {
    const fitting = [...packages].filter(([name, version]) => Math.max(name.length, version.length) <= MAX_WORD);
    this.#mask = 2 ** Math.ceil(Math.log2(1 + fitting.length)) - 1;
    const hashed = fitting.map((each) => [hashOf(each[0]) & this.#mask, each] as const).sort(([a], [b]) => a - b);
    const texts = hashed.map(
      ([hash, [name, version]]) => [hash, [name, version], BEFORE + name + BETWEEN + version + BEHIND] as const,
    );
    const sizeBytes = texts.reduce((sum, [, , text]) => sum + HEAD + text.length, 0);
    this.#starts = new Int32Array(this.#mask + 2).fill(sizeBytes);
    this.#records = new Uint8Array(sizeBytes + SPARE);
    this.#view = new DataView(this.#records.buffer);
    let at = 0;
    let known = 0;
    for (const [hash, [name, version], text] of texts) {
      while (known <= hash) this.#starts[known++] = at;
      this.#records.set([name.length, version.length], at);
      at += HEAD;
      for (const char of text) this.#records[at++] = char.charCodeAt(0);
    }
  }

  /** How many numbers there are of `numberOf`. */
  get size(): number {
    return (this.#records.length >> EIGHT) + 1;
  }

  /** Of a record, what no other one has. */
  numberOf(place: number): number {
    return place >> EIGHT;
  }

  /** The place of a package's record; -1: there is none. */
  placeOf(name: string): number {
    return this.find(
      Uint8Array.from(name, (char) => char.charCodeAt(0)),
      0,
      name.length,
      hashOf(name),
    );
  }

  /** The same of one whose name lies there. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const short = hash & this.#mask;
    const behind = this.#starts[short + 1] as number;
    for (let place = this.#starts[short] as number; place < behind; place += HEAD + this.length(place))
      if (this.#isWord(place, place + HEAD + BEFORE.length, bytes, start, end)) return place;
    return -1;
  }

  /** Whether its version is what lies there. */
  isVersion(place: number, bytes: Uint8Array, start: number, end: number): boolean {
    const version = place + HEAD + BEFORE.length + (this.#records[place] as number) + BETWEEN.length;
    return this.#isWord(place + 1, version, bytes, start, end);
  }

  /** How much of a record is `"vim"`. */
  nameLength(place: number): number {
    return 2 * BEFORE.length + (this.#records[place] as number);
  }

  /** How long it is as a whole: `"vim":["9.1-2","`. */
  length(place: number): number {
    const words = (this.#records[place] as number) + (this.#records[place + 1] as number);
    return BEFORE.length + BETWEEN.length + BEHIND.length + words;
  }

  /**
   * Puts so much of its record there, and up to three bytes more, over which the caller writes. Returns where it ends. Four bytes
   * at a time: it is too short for a call of what copies memory, and byte by byte takes a third longer.
   */
  copy(place: number, length: number, to: DataView, at: number): number {
    const records = this.#view;
    const from = place + HEAD;
    for (let done = 0; done < length; done += 4) to.setUint32(at + done, records.getUint32(from + done));
    return at + length;
  }

  #isWord(lengthAt: number, wordAt: number, bytes: Uint8Array, start: number, end: number): boolean {
    const records = this.#records;
    if (records[lengthAt] !== end - start) return false;
    for (let done = end - start - 1; done >= 0; done--)
      if (records[wordAt + done] !== bytes[start + done]) return false;
    return true;
  }
}

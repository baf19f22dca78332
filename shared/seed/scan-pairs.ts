/**
 * An object of package names and versions, found in the bytes of a body without a word being made of it: 400 strings and a `Map`
 * of them cost more than all that is done with them then, and nearly all would only be compared with what an index says. What
 * is noted is where each word stands, and the hash by which a `PackageTable` finds a name.
 */
import { PACKAGE_FILE, PACKAGE_NAME, PACKAGE_VERSION } from '../request/grammar.ts';
import { NO_HASH, withCode } from './package-hash.ts';
import { MAX_VERSION } from './upgrade-check-fields.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
export const OPEN = 0x7b;
const CLOSE = 0x7d;
/** The `k` of `.ipk` and `.apk`. */
const LAST_OF_FILES = 0x6b;
const FILE_ENDING = '.ipk'.length;
/** As `PACKAGE_NAME` has it. */
const MAX_NAME = 127;

/** By byte, whether it may stand in such a word; none beyond ASCII does, by either grammar. */
const allowed = (isAllowed: (char: string) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, code) => Number(isAllowed(String.fromCharCode(code))));

// Made of the grammar, so that it is written down once.
const BEGINS_NAME = allowed((char) => PACKAGE_NAME.test(char));
const IN_NAME = allowed((char) => PACKAGE_NAME.test(`a${char}`));
const IN_VERSION = allowed((char) => PACKAGE_VERSION.test(char));
const BLANK = allowed((char) => ' \t\n\r'.includes(char));

/** Packages as they lie in a body. */
export class PlainPackages {
  /** UTF-8, of which all words of the packages are ASCII. */
  readonly bytes: Uint8Array;
  /** `NUMBERS_A_PAIR` for each: where its name begins and ends, its version begins and ends, and the hash of its name. */
  readonly pairs: Int32Array;
  /** Where the body goes on behind them. */
  readonly end: number;

  constructor(bytes: Uint8Array, pairs: Int32Array, end: number) {
    this.bytes = bytes;
    this.pairs = pairs;
    this.end = end;
  }
}

export const NUMBERS_A_PAIR = 5;
/** With what stands before it. */
const SHORTEST_PAIR = ',"a":""'.length;

/** For bodies of up to 15 kB, used by one scan after the other: as much anew for each were memory that no cache has yet. */
const ROOM = new Int32Array(NUMBERS_A_PAIR * 2048);

/** `start`: of its brace. Null for whatever is not plain, or is none: another reader has to tell which. */
export function scanPairs(bytes: Uint8Array, start: number): PlainPackages | null {
  // Room for all that there can be: a list that grows with each number takes three times as long.
  const most = NUMBERS_A_PAIR * Math.ceil((bytes.length - start) / SHORTEST_PAIR);
  const pairs = most <= ROOM.length ? ROOM : new Int32Array(most);
  let count = 0;
  let at = start;
  for (let before = OPEN; bytes[at] === before; before = COMMA) {
    const nameStart = skip(bytes, at + 1, BLANK) + 1;
    let nameEnd = nameStart;
    let hash = NO_HASH;
    for (let code = bytes[nameEnd] as number; IN_NAME[code] === 1; code = bytes[++nameEnd] as number)
      hash = withCode(hash, code);
    const colon = skip(bytes, nameEnd + 1, BLANK);
    const versionStart = skip(bytes, colon + 1, BLANK) + 1;
    const versionEnd = skip(bytes, versionStart, IN_VERSION);
    if (
      bytes[nameStart - 1] !== QUOTE ||
      BEGINS_NAME[bytes[nameStart] as number] !== 1 ||
      nameEnd - nameStart > MAX_NAME ||
      bytes[nameEnd] !== QUOTE ||
      bytes[colon] !== COLON ||
      bytes[versionStart - 1] !== QUOTE ||
      bytes[versionEnd] !== QUOTE ||
      versionEnd - versionStart > MAX_VERSION
    )
      return null;
    // Names are seldom such that it matters, so a look at one byte spares the others the pattern.
    if (bytes[nameEnd - 1] === LAST_OF_FILES && PACKAGE_FILE.test(wordIn(bytes, nameEnd - FILE_ENDING, nameEnd)))
      return null;
    pairs[count++] = nameStart;
    pairs[count++] = nameEnd;
    pairs[count++] = versionStart;
    pairs[count++] = versionEnd;
    pairs[count++] = hash;
    at = skip(bytes, versionEnd + 1, BLANK);
  }
  return bytes[at] === CLOSE ? new PlainPackages(bytes, pairs.slice(0, count), at + 1) : null;
}

/** A word of ASCII. */
export const wordIn = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end));

/** The first place from `at` on that has another character. */
function skip(bytes: Uint8Array, at: number, chars: Uint8Array): number {
  let end = at;
  while (chars[bytes[end] as number] === 1) end++;
  return end;
}

/**
 * An object of package names and versions, read from text character by character. A loop over a table is here what counts: it
 * takes a third of the time of a regular expression that captures, and there are 200 pairs in every check of every router.
 */
import { PACKAGE_FILE, PACKAGE_NAME, PACKAGE_VERSION } from '../grammar.ts';
import { MAX_VERSION } from './upgrade-check-fields.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
/** The `k` of `.ipk` and `.apk`. */
const LAST_OF_FILES = 0x6b;
/** As `PACKAGE_NAME` has it. */
const MAX_NAME = 127;

/** By code, whether a character may stand in such a word; none beyond ASCII does. */
const allowed = (isAllowed: (char: string) => boolean): Uint8Array =>
  Uint8Array.from({ length: 128 }, (_, code) => Number(isAllowed(String.fromCharCode(code))));

// Made of the grammar, so that it is written down once.
const BEGINS_NAME = allowed((char) => PACKAGE_NAME.test(char));
const IN_NAME = allowed((char) => PACKAGE_NAME.test(`a${char}`));
const IN_VERSION = allowed((char) => PACKAGE_VERSION.test(char));
const BLANK = allowed((char) => ' \t\n\r'.includes(char));

export interface ScannedPairs {
  readonly pairs: ReadonlyMap<string, string>;
  /** Where the text goes on behind the object. */
  readonly end: number;
}

/** Null for whatever is not plain, or is none: another reader has to tell which. */
export function scanPairs(text: string, start: number): ScannedPairs | null {
  const pairs = new Map<string, string>();
  let at = start;
  for (let before = OPEN; text.charCodeAt(at) === before; before = COMMA) {
    const nameStart = skip(text, at + 1, BLANK) + 1;
    const nameEnd = skip(text, nameStart, IN_NAME);
    const colon = skip(text, nameEnd + 1, BLANK);
    const versionStart = skip(text, colon + 1, BLANK) + 1;
    const versionEnd = skip(text, versionStart, IN_VERSION);
    if (
      text.charCodeAt(nameStart - 1) !== QUOTE ||
      BEGINS_NAME[text.charCodeAt(nameStart)] !== 1 ||
      nameEnd - nameStart > MAX_NAME ||
      text.charCodeAt(nameEnd) !== QUOTE ||
      text.charCodeAt(colon) !== COLON ||
      text.charCodeAt(versionStart - 1) !== QUOTE ||
      text.charCodeAt(versionEnd) !== QUOTE ||
      versionEnd - versionStart > MAX_VERSION
    )
      return null;
    const name = text.slice(nameStart, nameEnd);
    // Names are seldom such that it matters, so a look at one character spares the others the pattern.
    if (text.charCodeAt(nameEnd - 1) === LAST_OF_FILES && PACKAGE_FILE.test(name)) return null;
    // As in JSON, of two pairs with one name the later one counts.
    pairs.set(name, text.slice(versionStart, versionEnd));
    at = skip(text, versionEnd + 1, BLANK);
  }
  return pairs.size > 0 && text.charCodeAt(at) === CLOSE ? { pairs, end: at + 1 } : null;
}

/** The first place from `at` on that has another character. */
function skip(text: string, at: number, chars: Uint8Array): number {
  let end = at;
  while (chars[text.charCodeAt(end)] === 1) end++;
  return end;
}

/**
 * Texts as nobody should send them: real ones, cut, doubled, swapped, mixed with each other and with what parsers trip over. Each is
 * shrunk to the few edits that matter where one is found that breaks a rule.
 */
import fc from 'fast-check';

/** Blanks that are none, ends of lines that are none, names that objects have, numbers that are none, what terminals obey. */
const WORDS = [
  ...['', ' ', '\n', '\r\n', '\t', '\0', '\u00a0', '\u2028', '\ufeff', '\u202e', '\ud800', '\u001b[2J', '\u007f'],
  ...['__proto__', 'constructor', 'toString', '../', '/etc/passwd', '%2e%2e', '\\', '`id`', '$(id)', '-rf', '.apk'],
  ...['1e999', '-0', '9007199254740993', '0x10', 'null', 'true', '[]', '{}', '"', "'", ':', ',', '[', '{', '}', ']'],
  ...['Package: ', 'Version: ', 'Provides: ', ' - ', '  *', '=', '<html>', 'a'.repeat(300), '9'.repeat(40)],
] as const;

interface Edit {
  readonly kind: 'cut' | 'double' | 'insert' | 'replace' | 'truncate' | 'splice';
  /** Of the text's length. */
  readonly at: number;
  readonly length: number;
  readonly word: string;
  readonly times: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('cut', 'double', 'insert', 'insert', 'replace', 'replace', 'truncate', 'splice'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat(60),
  word: fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: 'binary', maxLength: 8 })),
  times: fc.integer({ min: 1, max: 40 }),
});

function edited(text: string, { kind, at, length, word, times }: Edit, other: string): string {
  const start = Math.floor(text.length * at);
  const [before, middle, behind] = [
    text.slice(0, start),
    text.slice(start, start + length),
    text.slice(start + length),
  ];
  switch (kind) {
    case 'cut':
      return before + behind;
    case 'double':
      return before + middle.repeat(times) + behind;
    case 'insert':
      return before + word + middle + behind;
    case 'replace':
      return before + word + behind;
    case 'truncate':
      return before;
    case 'splice':
      return before + other.slice(Math.floor(other.length * at)) + behind;
  }
}

/** `samples`: whole ones. `others`: whatever may come into the middle of them. */
export const damagedText = (samples: readonly string[], others: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...samples), fc.constantFrom(...others), fc.array(edit, { minLength: 1, maxLength: 6 }))
    .map(([text, other, edits]) => edits.reduce((damaged, each) => edited(damaged, each, other), text));

/** What a rule of one character costs most: each of a length at which all that is not linear would be noticed. */
export const ENDLESS_TEXTS: readonly (readonly [what: string, text: string])[] = [
  ['blanks', ' '.repeat(400_000)],
  ['empty lines', '\n'.repeat(400_000)],
  ['one word', 'a'.repeat(400_000)],
  ['digits', '1'.repeat(400_000)],
  ['dashes', '-'.repeat(400_000)],
  ['dots', '.'.repeat(400_000)],
  ['blanks between words', 'a '.repeat(200_000)],
  ['dashes between digits', '1-'.repeat(200_000)],
  ['open brackets', '['.repeat(200_000)],
  ['open objects', '{"a":'.repeat(80_000)],
  ['quotes', '"'.repeat(400_000)],
  ['lines of a package', 'Package: a\n'.repeat(40_000)],
  ['ends of lines of another system', 'a - 1\r\n'.repeat(60_000)],
];

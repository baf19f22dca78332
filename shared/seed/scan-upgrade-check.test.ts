import { describe, expect, it } from 'vitest';
import { BuildError } from '../build/build-error.ts';
import { fc } from '../chance.fixture.ts';
import { utf8ToBytes } from '../crypto/digest.ts';
import { installedMap } from './plain-packages.fixture.ts';
import { scanUpgradeCheck } from './scan-upgrade-check.ts';
import { parseUpgradeCheck } from './upgrade-check-fields.ts';

const ROUTER = '"distro":"OpenWrt","version":"18.06.2","target":"ath79/generic"';
const wholly = (members: string): string => `{${ROUTER},${members}}`;

/** With its packages as the long way tells them. */
function scanned(body: string | Uint8Array) {
  const check = scanUpgradeCheck(typeof body === 'string' ? utf8ToBytes(body) : body);
  return check && { ...check, installed: check.installed && installedMap(check.installed) };
}

/** What a reader makes of a body: the check, or the words of its refusal. */
function outcomeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof BuildError) return error.detail;
    if (error instanceof SyntaxError) return 'no JSON';
    throw error;
  }
}

/** Where the scan tells anything, the long way tells the same. */
function expectSame(body: string): void {
  const told = outcomeOf(() => scanned(body));
  if (told !== null) expect(told).toEqual(outcomeOf(() => parseUpgradeCheck(JSON.parse(body))));
}

const SCANNED: [situation: string, body: string][] = [
  ['packages', wholly('"installed":{"vim":"8.1-2","libstdc++6":"7.3.0-1","6in4":"","constructor":"1:2~3,4_5"}')],
  [
    'fields behind them',
    wholly('"installed":{"vim":"8"},"upgrade_packages":1,"revision":"r7676-a","board":[{"a":{}}]'),
  ],
  [
    'blanks wherever JSON has them',
    `\r\n\t { ${ROUTER} , "installed" : {\n "vim" : "8" ,\t"curl"\r:"7" } , "upgrade_packages" : "0" } `,
  ],
  ['text of any letters around them', `{"x":"Ž",${ROUTER},"installed":{"vim":"8"},"y":"🦆"}`],
  ['no field before them', `{"installed":{"vim":"8"},${ROUTER}}`],
  [
    'numbers and words before them',
    `{"upgrade_packages":1,"revision":null,"x":true,${ROUTER},"installed":{"vim":"8"}}`,
  ],
  [
    'more packages than there is room for',
    wholly(`"installed":{${Array.from({ length: 3_000 }, (_, n) => `"p${n}":"${n}"`).join()}}`),
  ],
  ['a name twice', wholly('"installed":{"vim":"8","curl":"7","vim":"9"}')],
  ['packages twice, the other ones before', `{"installed":1,${ROUTER},"installed":{"vim":"8"}}`],
  ['packages in both dialects', wholly('"installed":{"vim":"8"},"packages":7')],
  ['the longest words', wholly(`"installed":{"${'a'.repeat(127)}":"${'1'.repeat(128)}"}`)],
  ['a name that ends as a file does, nearly', wholly('"installed":{"ipk":"1","vim-ipk":"1","vim.ipks":"1"}')],
];

const REFUSED: [situation: string, body: string, refusal: string][] = [
  [
    'a version that is none',
    wholly('"installed":{"vim":"8"}').replace('18.06.2', '$(id)'),
    'version: expected letters',
  ],
  ['no target', '{"distro":"OpenWrt","version":"1","installed":{"vim":"8"}}', 'target: expected text'],
  [
    'upgrade_packages that is none',
    wholly('"installed":{"vim":"8"},"upgrade_packages":2'),
    'upgrade_packages: expected',
  ],
];

const LEFT: [situation: string, body: string][] = [
  ['no packages', `{${ROUTER}}`],
  ['an empty object', wholly('"installed":{}')],
  ['a list', wholly('"installed":["vim"]')],
  ['an escape in a name', wholly('"installed":{"v\\u0069m":"8"}')],
  ['an escape in a version', wholly('"installed":{"vim":"8\\n"}')],
  ['an escape before them', wholly('"x":"\\"","installed":{"vim":"8"}')],
  ['packages twice', wholly('"installed":{"vim":"8"},"installed":{"curl":"8"}')],
  ['packages twice, spelt otherwise', wholly('"installed":{"vim":"8"},"inst\\u0061lled":{"curl":"8"}')],
  ['packages within another field', wholly('"x":{"installed":{"vim":"8"}}')],
  ['packages within text', wholly('"x":"\\"installed\\":{\\"vim\\":\\"8\\"}"')],
  ['a number for a version', wholly('"installed":{"vim":8}')],
  ['a version that is a command', wholly('"installed":{"vim":"$(id)"}')],
  ['a long version', wholly(`"installed":{"vim":"${'1'.repeat(129)}"}`)],
  ['a name that is an option', wholly('"installed":{"-vim":"8"}')],
  ['an empty name', wholly('"installed":{"":"8"}')],
  ['a long name', wholly(`"installed":{"${'a'.repeat(128)}":"8"}`)],
  ['a prototype', wholly('"installed":{"__proto__":"8"}')],
  ['files', wholly('"installed":{"vim.ipk":"8"}')],
  ['files of today', wholly('"installed":{"vim.apk":"8"}')],
  ['a letter that is not of ASCII', wholly('"installed":{"vím":"8"}')],
  ['a comma at the end', wholly('"installed":{"vim":"8",}')],
  ['no comma', wholly('"installed":{"vim":"8""curl":"7"}')],
  ['a blank that JSON does not have', wholly('"installed":{\u00a0"vim":"8"}')],
  ['an end too early', wholly('"installed":{"vim":"8"')],
  ['more behind the end', `${wholly('"installed":{"vim":"8"}')}}`],
  ['a mark of byte order before it', `\ufeff${wholly('"installed":{"vim":"8"}')}`],
  ['a mark of byte order behind the packages', wholly('"installed":{"vim":"8"}\ufeff')],
  ['a letter that is not of ASCII in a version', wholly('"installed":{"vim":"8é"}')],
  ['no brace', '"installed"'],
  ['nothing', ''],
];

describe('a body is read without making an object of its packages', () => {
  it.each(SCANNED)('with %s', (_, body) => {
    expect(scanned(body)).toEqual(parseUpgradeCheck(JSON.parse(body)));
  });

  it.each(REFUSED)('and refused with %s', (_, body, refusal) => {
    expect(outcomeOf(() => scanned(body))).toContain(refusal);
    expectSame(body);
  });
});

describe('a body is left to the long way', () => {
  it.each(LEFT)('with %s', (_, body) => {
    expect(scanned(body)).toBeNull();
  });

  it.each([
    ['before', '"board":"\u00ff",', ''],
    ['behind', '', ',"board":"\u00ff"'],
  ])('with bytes that are no text %s the packages', (_, before, behind) => {
    const body = Uint8Array.from(`{${before}${ROUTER},"installed":{"vim":"8"}${behind}}`, (char) => char.charCodeAt(0));
    expect(scanned(body)).toBeNull();
  });
});

describe('whatever is sent, it is what the long way tells', () => {
  const word = fc.oneof(
    fc.stringMatching(/^[a-z0-9.+_-]{0,6}$/),
    fc.constantFrom('installed', 'packages', 'distro', '__proto__', 'a.ipk', '\\u0061', '\\"', 'é', ' ', '"', '{'),
  );
  const blank = fc.constantFrom('', '', '', ' ', '\n\t', '\u00a0');
  const pair = fc
    .tuple(blank, word, blank, word)
    .map(([a, name, b, version]) => `${a}"${name}"${b}:${a}"${version}"${b}`);
  const object = fc.array(pair, { maxLength: 4 }).map((pairs) => `{${pairs.join(',')}}`);
  const value = fc.oneof(
    object,
    word.map((text) => `"${text}"`),
    fc.constantFrom('1', '01', 'null', '[]', '[{"installed":{}}]', ''),
  );
  const member = fc.tuple(fc.oneof(word, fc.constant('installed')), value).map(([name, one]) => `"${name}":${one}`);
  const members = fc.array(member, { maxLength: 4 });

  it('in bodies that are put together of what a body has', () => {
    fc.assert(
      fc.property(members, members, blank, (before, after, around) => {
        expectSame(`${around}{${[...before, ROUTER, ...after].join(',')}}${around}`);
      }),
      { numRuns: 3_000 },
    );
  });

  it('in plain bodies with one character that was changed, taken away or put in', () => {
    const plain = wholly('"installed": {"vim":"8.1-2", "curl":"7"},"upgrade_packages":1');
    fc.assert(
      fc.property(
        fc.nat(plain.length),
        fc.nat(1),
        fc.constantFrom(...'"\\{}[]:, \n01kpé\u0000', ''),
        (at, cut, put) => {
          expectSame(plain.slice(0, at) + put + plain.slice(at + cut));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

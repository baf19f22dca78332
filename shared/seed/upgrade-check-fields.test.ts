import { describe, expect, it } from 'vitest';
import { seedUpgradeCheckSchema } from '../api/seed-check-answers.ts';
import { BuildError } from '../build/build-error.ts';
import { parseUpgradeCheck } from './upgrade-check-fields.ts';

const MINIMAL = { distro: 'OpenWrt', version: '18.06.2', target: 'ar71xx/generic' };
const SPLIT = { ...MINIMAL, target: 'ar71xx', subtarget: 'generic' };
const PARSED = { ...MINIMAL, revision: '', installed: null, wantsUpgrades: true };
/** As it arrives: a literal would set the prototype. */
const proto = JSON.parse('{"vim": "1", "__proto__": "2"}') as Record<string, string>;

function refusalOf(json: unknown): string {
  try {
    parseUpgradeCheck(json);
  } catch (error) {
    if (error instanceof BuildError && error.kind === 'invalid_request') return error.detail;
    throw error;
  }
  return 'accepted';
}

const ACCEPTED: [situation: string, body: Record<string, unknown>, becomes: object][] = [
  ['what must be there', MINIMAL, {}],
  ['a target and a subtarget', SPLIT, {}],
  ['an empty subtarget beside a whole target', { ...MINIMAL, subtarget: '' }, {}],
  [
    'nulls for what may be absent',
    { ...MINIMAL, subtarget: null, installed: null, revision: null, upgrade_packages: null },
    {},
  ],
  ['fields that nobody knows', { ...MINIMAL, board: 'x', constructor: 1 }, {}],
  ['a revision', { ...MINIMAL, revision: 'r7676-cddd7b4c77' }, { revision: 'r7676-cddd7b4c77' }],
  [
    'a revision with changes of its own',
    { ...MINIMAL, revision: 'r7676+3-cddd7b4c77' },
    { revision: 'r7676+3-cddd7b4c77' },
  ],
  ['the longest distro', { ...MINIMAL, distro: 'd'.repeat(64) }, { distro: 'd'.repeat(64) }],
  ['the longest revision', { ...MINIMAL, revision: 'r'.repeat(64) }, { revision: 'r'.repeat(64) }],
  ['a revision of all signs', { ...MINIMAL, revision: 'R_1.2,3+4-5' }, { revision: 'R_1.2,3+4-5' }],
  ['an empty revision', { ...MINIMAL, revision: '' }, {}],
  [
    'the longest target',
    { ...MINIMAL, target: `${'t'.repeat(64)}/${'s'.repeat(63)}` },
    { target: `${'t'.repeat(64)}/${'s'.repeat(63)}` },
  ],
  [
    'the longest target, in two pieces',
    { ...SPLIT, target: 't'.repeat(64), subtarget: 's'.repeat(63) },
    { target: `${'t'.repeat(64)}/${'s'.repeat(63)}` },
  ],
  [
    'the longest words of a package',
    { ...MINIMAL, installed: { ['p'.repeat(127)]: '1'.repeat(128) } },
    { installed: new Map([['p'.repeat(127), '1'.repeat(128)]]) },
  ],
  ['no package', { ...MINIMAL, installed: {} }, { installed: new Map() }],
  [
    'packages',
    { ...MINIMAL, installed: { vim: '8.1-2', 'libstdc++6': '7.3.0-1', 'a.b_c': '' } },
    {
      installed: new Map([
        ['vim', '8.1-2'],
        ['libstdc++6', '7.3.0-1'],
        ['a.b_c', ''],
      ]),
    },
  ],
  [
    'names that objects have anyway',
    { ...MINIMAL, installed: { constructor: '1' } },
    { installed: new Map([['constructor', '1']]) },
  ],
  [
    'packages as the split dialect calls them',
    { ...SPLIT, packages: { vim: '8.1' } },
    { installed: new Map([['vim', '8.1']]) },
  ],
  ['both', { ...SPLIT, packages: ['vim'], installed: { nano: '2' } }, { installed: new Map([['nano', '2']]) }],
  ...[0, '0', false].map((no): [string, Record<string, unknown>, object] => [
    `upgrade_packages ${JSON.stringify(no)}`,
    { ...MINIMAL, upgrade_packages: no },
    { wantsUpgrades: false },
  ]),
  ...[1, '1', true].map((yes): [string, Record<string, unknown>, object] => [
    `upgrade_packages ${JSON.stringify(yes)}`,
    { ...MINIMAL, upgrade_packages: yes },
    {},
  ]),
];

describe('a check is read', () => {
  it.each(ACCEPTED)('with %s', (_, body, becomes) => {
    expect(parseUpgradeCheck(body)).toEqual({ ...PARSED, ...becomes });
    // What is not looked at is described all the same.
    expect(seedUpgradeCheckSchema.safeParse(body).success).toBe(!Array.isArray(body.packages));
  });

  it('with as many packages as a body has room for', () => {
    const installed = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`package-${n}`, '1']));
    expect(parseUpgradeCheck({ ...MINIMAL, installed }).installed?.size).toBe(10_000);
  });
});

const WORD = 'expected letters, digits, "_", ".", "," or "-"';
const NAME = 'expected a package name: letters, digits, "_", ".", "+" or "-"';
const TARGET = 'target: expected target/subtarget';

const REFUSED: [situation: string, body: unknown, refusal: string][] = [
  ['a list', [MINIMAL], 'body: expected a JSON object'],
  ['null', null, 'body: expected a JSON object'],
  ['text', 'x', 'body: expected a JSON object'],
  ['no distro', { ...MINIMAL, distro: undefined }, 'distro: expected text'],
  ['no version', { ...MINIMAL, version: null }, 'version: expected text'],
  ['no target', { ...MINIMAL, target: undefined }, 'target: expected text'],
  ['what only a prototype has', Object.create(MINIMAL), 'distro: expected text'],
  ['an empty distro', { ...MINIMAL, distro: '' }, `distro: ${WORD}`],
  ['a list for a distro', { ...MINIMAL, distro: ['openwrt'] }, 'distro: expected text'],
  ['a number for a version', { ...MINIMAL, version: 18.06 }, 'version: expected text'],
  ['a version that is a path', { ...MINIMAL, version: '../18.06' }, `version: ${WORD}`],
  ['a version of two lines', { ...MINIMAL, version: '18.06.2\n' }, `version: ${WORD}`],
  ['a long version', { ...MINIMAL, version: '1'.repeat(65) }, 'version: expected at most 64 characters'],
  ['an object for a target', { ...MINIMAL, target: {} }, 'target: expected text'],
  ['half a target', { ...MINIMAL, target: 'ar71xx' }, 'target: expected target/subtarget, or a subtarget beside it'],
  ['a target that is a path', { ...MINIMAL, target: '../..' }, TARGET],
  ['a subtarget that is a path', { ...SPLIT, subtarget: '..' }, TARGET],
  ['two subtargets', { ...MINIMAL, subtarget: 'generic' }, 'subtarget: expected none beside target/subtarget'],
  ['a number for a subtarget', { ...SPLIT, subtarget: 1 }, 'subtarget: expected text'],
  ['a long distro', { ...MINIMAL, distro: 'd'.repeat(65) }, 'distro: expected at most 64 characters'],
  ['a long revision', { ...MINIMAL, revision: 'r'.repeat(65) }, 'revision: expected at most 64 characters'],
  ['a long whole target', { ...MINIMAL, target: 't'.repeat(129) }, 'target: expected at most 128 characters'],
  ['two pieces that are too long together', { ...SPLIT, target: 't'.repeat(64), subtarget: 's'.repeat(64) }, TARGET],
  [
    'a revision of two lines',
    { ...MINIMAL, revision: 'r1-a\n' },
    'revision: expected a revision such as r7258-5eb055306f',
  ],
  [
    'a revision behind a blank',
    { ...MINIMAL, revision: ' r1-a' },
    'revision: expected a revision such as r7258-5eb055306f',
  ],
  ['a long target', { ...SPLIT, target: 'a'.repeat(128) }, TARGET],
  ['an object for a revision', { ...MINIMAL, revision: {} }, 'revision: expected text'],
  [
    'a revision that is a command',
    { ...MINIMAL, revision: '$(id)' },
    'revision: expected a revision such as r7258-5eb055306f',
  ],
  [
    'a list where an object is expected',
    { ...MINIMAL, installed: ['vim'] },
    'installed: expected an object of names and versions, got a list',
  ],
  ['an empty list', { ...MINIMAL, installed: [] }, 'installed: expected an object of names and versions, got a list'],
  [
    'a list of packages',
    { ...SPLIT, packages: ['vim'] },
    'packages: expected an object of names and versions, got a list',
  ],
  [
    'text where an object is expected',
    { ...MINIMAL, installed: 'vim' },
    'installed: expected an object of names and versions, got a value',
  ],
  [
    'a number for a version of a package',
    { ...MINIMAL, installed: { vim: 8 } },
    'installed.vim: expected a version as text',
  ],
  ['null for one', { ...SPLIT, packages: { vim: null } }, 'packages.vim: expected a version as text'],
  ['a list for one', { ...MINIMAL, installed: { vim: ['8'] } }, 'installed.vim: expected a version as text'],
  [
    'a version with a blank',
    { ...MINIMAL, installed: { vim: '8 1' } },
    'installed.vim: expected letters, digits, "_", "+", ".", ",", "~", ":" or "-"',
  ],
  [
    'a long version of a package',
    { ...MINIMAL, installed: { vim: '8'.repeat(129) } },
    'installed.vim: expected at most 128 characters',
  ],
  ['an empty name', { ...MINIMAL, installed: { '': '1' } }, `installed.: ${NAME}`],
  ['a name that removes', { ...MINIMAL, installed: { '-vim': '1' } }, `installed.-vim: ${NAME}`],
  ['a name with a percent sign', { ...MINIMAL, installed: { '%': '1' } }, `installed.%: ${NAME}`],
  ['__proto__', { ...MINIMAL, installed: proto }, `installed.__proto__: ${NAME}`],
  [
    'a file',
    { ...MINIMAL, installed: { 'vim.ipk': '1' } },
    'installed.vim.ipk: expected a package name, not a package file',
  ],
  ['a long name', { ...MINIMAL, installed: { ['v'.repeat(5_000)]: '1' } }, `installed.${'v'.repeat(64)}…: ${NAME}`],
  [
    'a name that writes into a terminal',
    { ...MINIMAL, installed: { '\u001b[2J': '1' } },
    `installed.\\x1b[2J: ${NAME}`,
  ],
  ['another word for upgrade_packages', { ...MINIMAL, upgrade_packages: 'yes' }, 'upgrade_packages: expected 0 or 1'],
  ['another number', { ...MINIMAL, upgrade_packages: 2 }, 'upgrade_packages: expected 0 or 1'],
  ['a list', { ...MINIMAL, upgrade_packages: [1] }, 'upgrade_packages: expected 0 or 1'],
];

describe('a check is refused by the name of the field and what was expected', () => {
  it.each(REFUSED)('%s', (_, body, refusal) => {
    expect(refusalOf(body)).toBe(refusal);
  });
});

describe('the API’s document has the grammar that is checked by hand', () => {
  const words = [
    'openwrt',
    '',
    '.',
    '-',
    '1:8.1~2+3,4-5',
    'r1+2-a',
    '%',
    'a b',
    'ä',
    'x\n',
    'vim.ipk',
    'constructor',
    '__proto',
    '1',
  ];
  const long = [64, 65, 127, 128, 129].map((length) => 'x'.repeat(length));
  const values = [...words, ...long, 0, 1, 2, true, null, [], ['vim'], {}, { vim: 1 }];

  it.each(['distro', 'version', 'revision', 'upgrade_packages'])('of %s', (field) => {
    for (const value of values) agree({ ...MINIMAL, [field]: value });
  });

  it.each([
    ['installed', MINIMAL],
    ['packages', SPLIT],
  ])('of %s, of the names in it and of their versions', (field, minimal) => {
    for (const value of values) {
      agree({ ...minimal, [field]: value });
      agree({ ...minimal, [field]: { vim: value } });
      agree({ ...minimal, [field]: { curl: '8', [String(value)]: '1' } });
    }
  });

  function agree(check: unknown): void {
    expect([check, refusalOf(check) === 'accepted']).toEqual([check, seedUpgradeCheckSchema.safeParse(check).success]);
  }
});

/**
 * Values that are nearly right, or quite odd, for each field of a request: what a grammar written in a hurry lets through, or falls
 * over. By chance alone a fuzzer would hardly ever meet them.
 */
/** In no answer, whatever is wrong with the request. */
export const SECRET = 'hunter2-fuzz-secret';

const LONE = '\ud800';
const PACKAGE_NEAR_MISSES = [
  ...[
    '',
    '-',
    '+',
    '--vim',
    '++vim',
    '-+vim',
    'vim\n',
    ' vim',
    'vim ',
    'Vim',
    'vim.ipk',
    'vim.apk',
    '../vim',
    '/vim',
    './vim',
  ],
  ...[
    '$(id)',
    '`id`',
    'a;b',
    'a|b',
    'a&b',
    'a b',
    'a\tb',
    'a\0b',
    "a'b",
    'a"b',
    'a\\b',
    'a%b',
    'a#b',
    'a=b',
    'a:b',
    'a*',
    'a?',
  ],
  ...[
    'vïm',
    LONE,
    '\u202evim',
    'a'.repeat(127),
    'a'.repeat(128),
    'a'.repeat(5000),
    '__proto__',
    'constructor',
    '.',
    '..',
  ],
];
const WORD_NEAR_MISSES = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '-',
    ',',
    '_',
    'a/b',
    'a\\b',
    'a b',
    'a\n',
    '\na',
    'a\0',
    '%2e',
    '$x',
    '`',
    "'",
    '"',
    '<',
    '٣',
    'é',
    LONE,
  ],
  ...[
    '__proto__',
    'constructor',
    'a'.repeat(64),
    'a'.repeat(65),
    'a'.repeat(129),
    'a'.repeat(10_000),
    '../../etc/passwd',
  ],
];
export const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1.5, 1e21, 2 ** 53, '', 'x', [], {}, [[]], [null], { a: 1 }, [{}], 'null', '0'],
];

/** Values of a field that its grammar should know from right ones. */
const NEAR_MISSES: Readonly<Record<string, readonly unknown[]>> = {
  distro: ['openwrt', 'OpenWrt', 'debian', ...WORD_NEAR_MISSES],
  version: [
    '24.10.2',
    '24.10',
    '24.10.2 ',
    '24.10.99',
    '23.05.5',
    '21.02.0',
    'SNAPSHOT',
    '24.10-SNAPSHOT',
    ...WORD_NEAR_MISSES,
  ],
  version_code: ['', 'r28739-x', 'r0', ...WORD_NEAR_MISSES],
  target: [
    'demo/generic',
    'demo64/generic',
    'demo',
    'demo/',
    '/generic',
    'demo/generic/',
    'a/b/c',
    ...WORD_NEAR_MISSES,
  ],
  profile: ['acme_ax3000-v1', 'acme,ax3000-v1', 'ax3000-v1', 'generic', 'nosuch', ...WORD_NEAR_MISSES],
  packages: [[], 'luci', { luci: '1' }, ...PACKAGE_NEAR_MISSES.map((name) => ['luci', name])],
  packages_versions: [
    ...[
      {},
      [],
      'luci',
      { luci: 1 },
      { luci: null },
      { luci: '' },
      { luci: '1.0 ' },
      { luci: 'a'.repeat(129) },
      { '': '1' },
    ],
    ...PACKAGE_NEAR_MISSES.map((name) => ({ [name]: '1.0' })),
  ],
  diff_packages: [true, false, 'true', 1, 0, null, []],
  defaults: [
    '',
    SECRET,
    `uci set x=${SECRET}\n`,
    SECRET.repeat(2000),
    `${SECRET}${LONE}`,
    [SECRET],
    { [SECRET]: SECRET },
    null,
  ],
  rootfs_size_mb: [null, 1, 0, 1024, 1025, -1, 1.5, '512', '0512', '5e2', ' 512', '512 ', '', true, [512], 2 ** 53],
  filesystem: ['squashfs', 'ext4', 'SQUASHFS', 'ntfs', '', null, 'squashfs ', '__proto__', ['squashfs']],
  repositories: [
    ...[{}, [], null, 'x', { a: 'https://feeds.example/ok/x' }, { a: 'https://feeds.example/ok/../no' }, { a: 1 }],
    ...[
      { a: 'https://feeds.example/okay/' },
      { a: 'https://user@feeds.example/ok/' },
      { a: 'https://feeds.example:1/ok/' },
    ],
    ...[
      { a: 'https://feeds.example\\ok/' },
      { a: 'https://feeds.example/ok/%2e%2e/' },
      { a: 'ftp://feeds.example/ok/' },
    ],
    ...[
      { a: 'https://feeds.example/ok/\n' },
      { a: 'javascript:alert(1)' },
      { a: 'https://[::1/' },
      { '..': 'https://feeds.example/ok/' },
    ],
    ...[{ ['a'.repeat(200)]: 'https://feeds.example/ok/' }, { a: `https://feeds.example/ok/${'a'.repeat(600)}` }],
    Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`feed${n}`, 'https://feeds.example/ok/'])),
  ],
  repositories_mode: ['append', 'replace', '', 'APPEND', null, 1],
  repository_keys: [
    ...[
      [],
      null,
      'x',
      ['x'],
      [1],
      [`RWT${'A'.repeat(53)}`],
      [`RWT${'A'.repeat(54)}`],
      Array(17).fill(`RWT${'A'.repeat(53)}`),
    ],
    ...[
      [`-----BEGIN PUBLIC KEY-----\n${'A'.repeat(2000)}\n-----END PUBLIC KEY-----\n`],
      ['-----BEGIN PUBLIC KEY-----\n'],
    ],
  ],
  board: ['acme,ax3000-v1', 'nosuch', 'a b', 'a\nb', 'x'.repeat(129), LONE, '\u202e', [], {}, '__proto__'],
  model: ['Acme AX3000 v1', 'No Such', '', 'x'.repeat(257), LONE, '\0', ['x'], 'constructor'],
  subtarget: ['generic', '', null, '../x', 'a/b', 7, ['generic'], '__proto__'],
  request_hash: ['359a2afe0281', '0'.repeat(64), 'F'.repeat(12), '', null, 7, [], 'x'.repeat(10_000), LONE],
  client: ['owut/1', '', null, 1, 'x'.repeat(100), 'x'.repeat(101), LONE, '\0', '\u202e', '<script>', '__proto__', {}],
};

/** What is worth trying in a field of this name. */
export const valuesFor = (name: string): readonly unknown[] =>
  Object.hasOwn(NEAR_MISSES, name) ? (NEAR_MISSES[name] as readonly unknown[]) : ODD_VALUES;

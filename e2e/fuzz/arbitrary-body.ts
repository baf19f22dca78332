/**
 * Bodies: a good build request with one field or two that are nearly right, written as JSON that is nearly JSON, in
 * framings that a client may choose. `defaults` holds a secret now and then, which must come back in no answer.
 */
import fc, { type Arbitrary } from 'fast-check';
import { FIELDS } from '../../edge/wish.ts';
import type { Known } from './arbitrary-request.ts';
import { type Body, utf8 } from './raw-request.ts';

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
const ODD_VALUES: readonly unknown[] = [
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

const OF_OLD_API = ['board', 'model', 'subtarget', 'request_hash', 'installed', 'upgrade_packages', 'revision'];

type Fields = Readonly<Record<string, unknown>>;

function goodFields(known: Known): Arbitrary<Fields> {
  const any = fc.record(
    {
      version: fc.constantFrom(...known.versions),
      target: fc.constantFrom(...known.targets),
      profile: fc.constantFrom(...known.profiles),
      packages: fc.subarray([...known.packages].slice(0, 6)),
      client: fc.constantFrom('owut/1', 'luci/2', 'fuzz/3'),
      diff_packages: fc.constantFrom(true, false),
    },
    { requiredKeys: ['version', 'target', 'profile'] },
  );
  const fields = fc.oneof({ weight: 3, arbitrary: fc.constant<Fields>(known.built) }, { weight: 1, arbitrary: any });
  // A body of the API of today and of the old one at once: each ignores what the other has more.
  return fields.map((good) => ({ distro: 'openwrt', board: good.profile, ...good }));
}

const valuesFor = (name: string): readonly unknown[] =>
  Object.hasOwn(NEAR_MISSES, name) ? (NEAR_MISSES[name] as readonly unknown[]) : ODD_VALUES;

/** Any of the schema's fields, with a value that its grammar has to look at twice. */
const bentField: Arbitrary<Fields> = fc
  .constantFrom(...FIELDS, ...OF_OLD_API, 'client', 'unknown_field', '__proto__', 'constructor')
  .chain((name) =>
    fc
      .oneof(
        { weight: 5, arbitrary: fc.constantFrom(...valuesFor(name)) },
        { weight: 1, arbitrary: fc.constantFrom(...ODD_VALUES) },
        { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
      )
      // As an own field even under the name `__proto__`.
      .map((value) => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`) as Fields),
  );

/** JSON in writings that JSON.stringify does not have. */
const REWRITINGS: readonly ((json: string) => string)[] = [
  (json) => json.slice(0, -1),
  (json) => json.slice(0, Math.floor(json.length / 2)),
  (json) => `${json}}`,
  (json) => `${json}${json}`,
  (json) => `\ufeff${json}`,
  (json) => ` \t\r\n${json}\n`,
  (json) => `/**/${json}`,
  (json) => json.replaceAll('"', "'"),
  (json) => json.replace('{', '{"version":"24.10.2","version":"25.12.1",'),
  (json) => json.replace('{', '{"__proto__":{"version":"24.10.2","profile":"generic"},'),
  (json) => json.replace('{', '{"constructor":{"prototype":{"distro":"x"}},'),
  (json) => json.replace('{', '{"rootfs_size_mb":1e400,'),
  (json) => json.replace('{', '{"rootfs_size_mb":-1e400,"diff_packages":1E-400,'),
  (json) => json.replace('{', '{"rootfs_size_mb":00256,'),
  (json) => json.replace('{', '{"client":"\\ud800",'),
  (json) => json.replace('{', '{"client":"\\udc00\\ud800",'),
  (json) => json.replace('{', '{"packages":["\\u0000"],'),
  (json) => json.replace('{', '{"\\u0000":1,'),
  (json) => json.replace('{', '{"client":"\u0000",'),
  (json) => json.replace('{', '{"x":NaN,'),
  (json) => json.replace('{', '{"x":Infinity,'),
  (json) => json.replaceAll(':', ' :\u2028 '),
  (json) => encodeURIComponent(json),
  (json) => `request=${json}`,
  (json) => `[${json}]`,
  (json) => JSON.stringify(json),
  (json) => Buffer.from(json, 'utf16le').toString('latin1'),
];

const HUGE: readonly string[] = [
  '['.repeat(50_000),
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  JSON.stringify({
    version: '24.10.2',
    target: 'demo/generic',
    profile: 'generic',
    packages: Array(20_000).fill('luci'),
  }),
  JSON.stringify({ packages: Array.from({ length: 5_000 }, (_, n) => `no such package ${n}`) }),
  JSON.stringify({ packages_versions: Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`p${n}`, '1'])) }),
  JSON.stringify({ version: 'a'.repeat(200_000) }),
  `{"x":${'9'.repeat(200_000)}}`,
  `{"x":"${'\\u0041'.repeat(40_000)}"}`,
  ' '.repeat(256 * 1024),
  ' '.repeat(256 * 1024 + 1),
  'x'.repeat(400_000),
];

const garbage = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.json({ maxDepth: 4 }).map(utf8),
  fc.constantFrom('', 'null', 'true', '0', '""', '[]', '{}', '\xff\xfe', '\xc3\x28', '\xed\xa0\x80', '\xef\xbf\xbd'),
);

function bodyText(known: Known): Arbitrary<string> {
  const bent = fc
    .tuple(goodFields(known), fc.array(bentField, { minLength: 0, maxLength: 2 }))
    .map(([good, bends]) => ({ ...good, ...bends[0], ...bends[1] }))
    .map((fields) => JSON.stringify(fields));
  return fc.oneof(
    { weight: 60, arbitrary: bent.map(utf8) },
    {
      weight: 20,
      arbitrary: fc.tuple(bent, fc.constantFrom(...REWRITINGS)).map(([json, rewrite]) => utf8(rewrite(json))),
    },
    { weight: 10, arbitrary: garbage },
    { weight: 1, arbitrary: fc.constantFrom(...HUGE) },
  );
}

export function arbitraryBody(known: Known): Arbitrary<Body> {
  const text = bodyText(known);
  return fc.oneof(
    { weight: 12, arbitrary: text.map((text): Body => ({ kind: 'length', text })) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(text, fc.integer({ min: 1, max: 5_000 }))
        .map(([text, size]): Body => ({ kind: 'chunked', chunks: inPieces(text, size) })),
    },
    { weight: 1, arbitrary: fc.constant<Body>({ kind: 'none' }) },
    {
      weight: 1,
      arbitrary: text.map((text): Body => ({ kind: 'cut off', text: text.slice(0, 5_000), announcedBytes: 5_001 })),
    },
    {
      weight: 1,
      arbitrary: text.map((text): Body => ({ kind: 'surplus', text, announcedBytes: text.length >> 1 })),
    },
  );
}

/** At most a hundred: a chunk for each byte of a long body tries nothing more. */
function inPieces(text: string, size: number): string[] {
  const step = Math.max(size, Math.ceil(text.length / 100));
  return Array.from({ length: Math.ceil(text.length / step) }, (_, n) => text.slice(n * step, (n + 1) * step));
}

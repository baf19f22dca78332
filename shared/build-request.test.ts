import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { echoOf, MAX_PACKAGES, parseBuildRequest } from './build-request.ts';

const minimal = { version: '24.10.2', target: 'x86/64', profile: 'generic' };

const parse = (fields: Record<string, unknown>) => parseBuildRequest({ ...minimal, ...fields });

const USIGN = 'RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw';
const PEM =
  '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEn0pGm3z1a9i\nzZpS2yQ==\n-----END PUBLIC KEY-----\n';
/** A key that JSON.parse makes an own property, as it arrives; a literal would set the prototype. */
const proto = (value: unknown): unknown => JSON.parse(`{"__proto__": ${JSON.stringify(value)}}`);
const numbered = <Value>(n: number, value: (index: number) => Value): Record<string, Value> =>
  Object.fromEntries(Array.from({ length: n }, (_, index) => [`n${index}`, value(index)]));

describe('a request', () => {
  it('with the three required fields has every default filled in', () => {
    expect(parseBuildRequest(minimal)).toEqual({
      ok: true,
      request: {
        ...minimal,
        distro: 'openwrt',
        version_code: '',
        packages: [],
        packages_versions: {},
        diff_packages: false,
        defaults: '',
        rootfs_size_mb: null,
        filesystem: null,
        repositories: {},
        repositories_mode: 'append',
        repository_keys: [],
        client: null,
      },
    });
  });

  it('spells the absent as clients do and is the same request', () => {
    const absent = { defaults: '', repositories: {}, repository_keys: [], packages: [], packages_versions: {} };
    expect(parse({ ...absent, version_code: '', rootfs_size_mb: null, filesystem: null, client: null })).toEqual(
      parseBuildRequest(minimal),
    );
    expect(parse({ defaults: null })).toEqual(parseBuildRequest(minimal));
  });

  it('with fields that only older clients know is the request without them', () => {
    const unknown = { packages_hash: 'abc', __proto__x: 1, constructor: 'x', filesystem_size: {}, '': 0 };
    expect(parse(unknown)).toEqual(parseBuildRequest(minimal));
    expect(parseBuildRequest(JSON.parse(`{"__proto__":{"defaults":"x"},${JSON.stringify(minimal).slice(1)}`))).toEqual(
      parseBuildRequest(minimal),
    );
  });

  it.each([[null], [undefined], [true], [0], ['x'], [[]], [[minimal]]])('that is %j is refused as a whole', (body) => {
    expect(parseBuildRequest(body)).toMatchObject({ ok: false, errors: [{ path: '' }] });
  });

  it('without its required fields is refused, naming each', () => {
    const parsed = parseBuildRequest({});
    expect(!parsed.ok && parsed.errors.map((error) => error.path)).toEqual(['version', 'target', 'profile']);
  });

  it.each([
    [1000, 20],
    [5000, 1],
  ])('with %i wrong packages has %i errors and no more', (packages, errors) => {
    const parsed = parse({ packages: Array.from({ length: packages }, () => '$(reboot)') });
    expect(!parsed.ok && parsed.errors.length).toBe(errors);
  });

  it('is echoed whole, without its defaults', () => {
    const parsed = parse({ defaults: 'hunter2', packages: ['vim'], client: 'owut/1' });
    const echo = parsed.ok ? echoOf(parsed.request) : null;
    expect(echo).toMatchObject({ packages: ['vim'], client: 'owut/1', defaults: null });
    expect(JSON.stringify(echo)).not.toContain('hunter2');
  });
});

const accepted: [field: string, value: unknown, becomes?: unknown][] = [
  ['distro', 'openwrt'],
  ['distro', 'a.b,c-d_e'],
  ['version', 'SNAPSHOT'],
  ['version', '24.10.0-rc1'],
  ['version', 'v'.repeat(64)],
  ['version_code', 'r28427-6df0e3d02a'],
  ['version_code', ''],
  ['target', 'x86/64'],
  ['target', 'ath79/nand_2'],
  ['target', `${'t'.repeat(64)}/${'s'.repeat(63)}`],
  ['profile', 'tplink,archer-c7-v4'],
  ['profile', 'fsl_T4240RDB'],
  ['profile', 'p'.repeat(128)],
  ['packages', ['vim', '+luci', '-ppp', 'libstdc++6', 'UDPspeeder', 'u-boot-A10-OLinuXino-Lime', 'a.b_c']],
  ['packages', [`-${'p'.repeat(127)}`]],
  ['packages', ['apk-mbedtls', 'ipk', 'x.apk-tools', 'x.ipkg']],
  ['packages', Array.from({ length: MAX_PACKAGES }, () => 'vim')],
  ['packages_versions', { vim: '9.1.0-r2', luci: '', 'a.b+c': '1~2:3,4' }],
  ['packages_versions', { constructor: '1', toString: '2' }],
  ['diff_packages', true],
  ['defaults', "#!/bin/sh\nuci set x='$y`z`'\n"],
  ['defaults', 'ü€😀'],
  ['rootfs_size_mb', 1],
  ['rootfs_size_mb', 1024],
  ['rootfs_size_mb', '256', 256],
  ['rootfs_size_mb', '0256', 256],
  ['filesystem', 'squashfs'],
  ['filesystem', 'jffs2-nand'],
  ['repositories', { custom: 'https://feeds.example/packages/x86_64' }],
  ['repositories', { 'my_feed-1.2': 'http://feeds.example:8080/' }],
  ['repositories', numbered(16, (n) => `https://feeds.example/${n}`)],
  ['repositories_mode', 'append'],
  ['repositories_mode', 'replace'],
  ['repository_keys', [USIGN, `${USIGN}\n`, `untrusted comment: a key of mine\n${USIGN}\n`, PEM, PEM.trimEnd()]],
  ['repository_keys', Array.from({ length: 16 }, () => USIGN)],
  ['client', 'luci/git-24.1, "quoted" 😀'],
  ['client', 'c'.repeat(100)],
];

test.each(accepted)('%s may be %j', (field, value, becomes = value) => {
  const parsed = parse({ [field]: value });
  expect(parsed).toMatchObject({ ok: true });
  expect(parsed.ok && parsed.request[field as keyof typeof parsed.request]).toEqual(becomes);
});

/** What make, a shell, opkg or a path would give a meaning of its own, and what merely looks like the end of a string. */
const HOSTILE = [
  'x\n',
  'x\r\n',
  '\nx',
  'x y',
  'x\ty',
  'x\0',
  '$(reboot)',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is what a shell would expand
  '${x}',
  '$$x',
  '`reboot`',
  'x;reboot',
  'x|y',
  'x&y',
  'x>y',
  'x<y',
  'x"y',
  "x'y",
  'x\\y',
  'x#y',
  'x%y',
  'x*',
  'x?',
  'x~',
  'x!',
  'x=y',
  'x:y',
  'x@y',
  'x(y)',
  '{x,y}',
  'ünicode',
  'х', // Cyrillic
  '١', // a digit to \d in other languages
  '\ud800',
  '\u2028',
  '..',
  '../x',
  '/etc/passwd',
  'x//y',
  '',
];
const WRONG_TYPES: unknown[] = [true, 1, {}, ['x']];

const textFields = ['distro', 'version', 'version_code', 'target', 'profile'];

const refused: [field: string, value: unknown, path?: string][] = [
  ...textFields.flatMap((field) =>
    [...HOSTILE, ...WRONG_TYPES, null, 'x'.repeat(129)]
      .filter((value) => !(field === 'version_code' && (value === '' || value === '..')))
      .map((value): [string, unknown] => [field, value]),
  ),
  ['distro', '.'],
  ['version', 'v'.repeat(65)],
  ['version_code', 'v'.repeat(65)],
  ['target', 'x86'],
  ['target', 'x86/64/generic'],
  ['target', 'x86/'],
  ['target', '/64'],
  ['target', '../64'],
  ['target', 'x86/64\n'],
  ['target', 'x86-64/generic'],
  ...HOSTILE.map((value): [string, unknown, string] => ['packages', ['vim', value], 'packages.1']),
  ...[...WRONG_TYPES, null].map((value): [string, unknown, string] => ['packages', [value], 'packages.0']),
  ['packages', ['evil.ipk'], 'packages.0'],
  ['packages', ['-evil.apk'], 'packages.0'],
  ['packages', ['+'], 'packages.0'],
  ['packages', ['--force-depends'], 'packages.0'],
  ['packages', ['+-x'], 'packages.0'],
  ['packages', ['.hidden'], 'packages.0'],
  ['packages', [`${'p'.repeat(128)}`], 'packages.0'],
  ['packages', Array.from({ length: MAX_PACKAGES + 1 }, () => 'vim')],
  ['packages', 'vim'],
  ['packages', { 0: 'vim' }],
  ['packages', null],
  ...HOSTILE.filter((value) => value !== '').map((value): [string, unknown, string] => [
    'packages_versions',
    { [value]: '1' },
    `packages_versions.${value}`,
  ]),
  ['packages_versions', { '': '1' }, 'packages_versions.'],
  ['packages_versions', { vim: '1\n' }, 'packages_versions.vim'],
  ['packages_versions', { vim: '$(reboot)' }, 'packages_versions.vim'],
  ['packages_versions', { vim: 'v'.repeat(129) }, 'packages_versions.vim'],
  ['packages_versions', { vim: 1 }, 'packages_versions.vim'],
  ['packages_versions', { vim: null }, 'packages_versions.vim'],
  ['packages_versions', numbered(1001, () => '1')],
  ['packages_versions', proto('1'), 'packages_versions.__proto__'],
  ['packages_versions', ['vim']],
  ['diff_packages', 1],
  ['diff_packages', 'true'],
  ['diff_packages', null],
  ['defaults', 1],
  ['defaults', ['x']],
  ['defaults', 'secret\ud800'],
  ['defaults', '\udc00secret'],
  ['rootfs_size_mb', true],
  ['rootfs_size_mb', 0],
  ['rootfs_size_mb', -1],
  ['rootfs_size_mb', 1.5],
  ['rootfs_size_mb', Number.NaN],
  ['rootfs_size_mb', 1e300],
  ['rootfs_size_mb', '0'],
  ['rootfs_size_mb', ''],
  ['rootfs_size_mb', '1.5'],
  ['rootfs_size_mb', '-1'],
  ['rootfs_size_mb', '0x10'],
  ['rootfs_size_mb', '1e3'],
  ['rootfs_size_mb', ' 1'],
  ['rootfs_size_mb', '1\n'],
  ['rootfs_size_mb', '104";x;"'],
  ['rootfs_size_mb', '1234567'],
  ['rootfs_size_mb', [1]],
  ['filesystem', ''],
  ['filesystem', 'SQUASHFS'],
  ['filesystem', 'squashfs\n'],
  ['filesystem', 'ntfs'],
  ['filesystem', 1],
  ['repositories', { 'a b': 'https://x.example/' }, 'repositories.a b'],
  ['repositories', { 'a\nsrc/gz evil': 'https://x.example/' }, 'repositories.a\nsrc/gz evil'],
  ['repositories', { '..': 'https://x.example/' }, 'repositories...'],
  ['repositories', { '': 'https://x.example/' }, 'repositories.'],
  ['repositories', proto('https://x.example/'), 'repositories.__proto__'],
  ['repositories', { a: 'ftp://x.example/' }, 'repositories.a'],
  ['repositories', { a: 'file:///etc/passwd' }, 'repositories.a'],
  ['repositories', { a: 'HTTPS://x.example/' }, 'repositories.a'],
  ['repositories', { a: 'https://' }, 'repositories.a'],
  ['repositories', { a: 'https://x.example/\n' }, 'repositories.a'],
  ['repositories', { a: 'https://x.example/ b' }, 'repositories.a'],
  ['repositories', { a: 'https://exämple.com/' }, 'repositories.a'],
  ['repositories', { a: `https://x.example/${'p'.repeat(500)}` }, 'repositories.a'],
  ['repositories', { a: null }, 'repositories.a'],
  ['repositories', numbered(17, () => 'https://x.example/')],
  ['repositories', ['https://x.example/']],
  ['repositories_mode', 'APPEND'],
  ['repositories_mode', ''],
  ['repositories_mode', null],
  ['repository_keys', USIGN],
  ['repository_keys', [''], 'repository_keys.0'],
  ['repository_keys', ['ssh-ed25519 AAAA'], 'repository_keys.0'],
  ['repository_keys', [`${USIGN}\n${USIGN}`], 'repository_keys.0'],
  ['repository_keys', [USIGN.slice(1)], 'repository_keys.0'],
  ['repository_keys', [`untrusted comment: \ud800\n${USIGN}`], 'repository_keys.0'],
  ['repository_keys', [PEM.replace('PUBLIC', 'PRIVATE')], 'repository_keys.0'],
  ['repository_keys', [PEM + PEM], 'repository_keys.0'],
  ['repository_keys', [`untrusted comment: ${'c'.repeat(1024)}\n${USIGN}`], 'repository_keys.0'],
  ['repository_keys', Array.from({ length: 17 }, () => USIGN)],
  ['client', 'c'.repeat(101)],
  ['client', 1],
  ['client', 'c\ud800'],
];

test.each(refused)('%s may not be %j', (field, value, path = field) => {
  const parsed = parse({ [field]: value });
  expect(parsed.ok).toBe(false);
  if (parsed.ok) return;
  expect(parsed.errors.map((error) => error.path)).toContain(path);
  for (const { message } of parsed.errors) expect(message).toMatch(/^(?:expected|Invalid input: expected|Too big)/);
});

test('a value outside the grammar is not repeated in the error', () => {
  const parsed = parse({ packages: ['<img src=x>'], defaults: 'hunter2\ud800' });
  expect(JSON.stringify(parsed)).not.toMatch(/img|hunter2/);
});

describe('whatever is accepted', () => {
  /** Blank, newline, quotes and all else that /bin/sh or make gives a meaning inside or outside quotes. */
  const EXPANDED = /[\s$`"'\\;&|<>()*?[\]{}#!=^\0]/;
  const mean = fc.oneof(
    fc.constantFrom(...HOSTILE, 'vim', 'x86/64', 'generic', '24.10.2', '-ppp'),
    fc.string({ maxLength: 8 }),
    fc.string({ unit: 'binary', maxLength: 4 }),
    fc.tuple(fc.constantFrom('vim', 'x86/64', 'r1-a'), fc.string({ maxLength: 2 })).map((parts) => parts.join('')),
  );
  const wild = fc.record(
    {
      distro: mean,
      version: mean,
      version_code: mean,
      target: mean,
      profile: mean,
      packages: fc.array(mean, { maxLength: 3 }),
      packages_versions: fc.dictionary(mean, mean, { maxKeys: 2 }),
      filesystem: mean,
      rootfs_size_mb: fc.oneof(mean, fc.double(), fc.integer()),
      repositories: fc.dictionary(mean, fc.constant('https://x.example/'), { maxKeys: 2 }),
    },
    { requiredKeys: [] },
  );

  it('no field of it that can reach make or a path holds a byte that a shell or make expands', () => {
    fc.assert(
      fc.property(wild, (fields) => {
        const parsed = parse(fields);
        if (!parsed.ok) return;
        const { request } = parsed;
        const words = [
          request.distro,
          request.version,
          request.version_code,
          request.target,
          request.profile,
          request.filesystem ?? '',
          String(request.rootfs_size_mb ?? ''),
          ...request.packages,
          ...Object.entries(request.packages_versions).flat(),
          ...Object.keys(request.repositories),
        ];
        for (const value of words) {
          expect(value).not.toMatch(EXPANDED);
          expect(value.split('/')).not.toContain('..');
        }
        for (const name of request.packages) expect(name).not.toMatch(/\.(?:ipk|apk)$|^[+-]?-|\//);
      }),
      { numRuns: 2000 },
    );
  });

  it('one wrong word in an otherwise good list is enough to refuse all of it', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.constantFrom(...HOSTILE), (at, word) => {
        const packages = Array.from({ length: 21 }, (_, index) => (index === at ? word : `p${index}`));
        const parsed = parse({ packages });
        expect(!parsed.ok && parsed.errors[0]?.path).toBe(`packages.${at}`);
      }),
    );
  });
});

test('names that are short enough each and too long together are refused: they become one argument of make', () => {
  const names = (count: number) => Array.from({ length: count }, (_, at) => `p${String(at).padStart(99, '0')}`);
  expect(parseBuildRequest({ ...GOOD_FOR_LENGTH, packages: names(324) })).toMatchObject({ ok: true });
  expect(parseBuildRequest({ ...GOOD_FOR_LENGTH, packages: names(325) })).toMatchObject({
    ok: false,
    errors: [{ path: 'packages', message: 'expected at most 32768 characters in all names together, got 32825' }],
  });
});

const GOOD_FOR_LENGTH = { version: '24.10.2', target: 'x86/64', profile: 'generic' };

import { describe, expect, it, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { echoOf, parseBuildRequest, selectedPackages } from './build-request.ts';
import { ACCEPTED, HOSTILE, MINIMAL, REFUSED } from './request-grammar.fixture.ts';

const parse = (fields: Record<string, unknown>) => parseBuildRequest({ ...MINIMAL, ...fields });

describe('a request', () => {
  it('with the three required fields has every default filled in', () => {
    expect(parseBuildRequest(MINIMAL)).toEqual({
      ok: true,
      request: {
        ...MINIMAL,
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
      parseBuildRequest(MINIMAL),
    );
    expect(parse({ defaults: null })).toEqual(parseBuildRequest(MINIMAL));
  });

  it('with fields that only older clients know is the request without them', () => {
    const unknown = { packages_hash: 'abc', __proto__x: 1, constructor: 'x', filesystem_size: {}, '': 0 };
    expect(parse(unknown)).toEqual(parseBuildRequest(MINIMAL));
    expect(parseBuildRequest(JSON.parse(`{"__proto__":{"defaults":"x"},${JSON.stringify(MINIMAL).slice(1)}`))).toEqual(
      parseBuildRequest(MINIMAL),
    );
  });

  it.each([[null], [undefined], [true], [0], ['x'], [[]], [[MINIMAL]]])('that is %j is refused as a whole', (body) => {
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

test.each(ACCEPTED)('%s may be %j', (field, value, becomes = value) => {
  const parsed = parse({ [field]: value });
  expect(parsed).toMatchObject({ ok: true });
  expect(parsed.ok && parsed.request[field as keyof typeof parsed.request]).toEqual(becomes);
});

test.each(REFUSED)('%s may not be %j', (field, value, path = field) => {
  const parsed = parse({ [field]: value });
  expect(parsed.ok).toBe(false);
  if (parsed.ok) return;
  expect(parsed.errors.map((error) => error.path)).toContain(path);
  for (const { message } of parsed.errors) expect(message).toMatch(/^(?:expected|Invalid input: expected|Too big)/);
});

/** `total` characters of names, each with what joins it to the next. */
const namesOf = (total: number): string[] => {
  const names = Array.from({ length: 255 }, (_, at) => `p${String(at).padStart(126, '0')}`);
  return [...names, 'q', 'r'.repeat(total - 255 * 128 - 'q '.length - 1)];
};
const versionsOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '']));
const comment = (bytes: number): string => {
  const [before, key] = ['untrusted comment: ', `\n${'RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw'}`];
  return `${before}${'c'.repeat(bytes - before.length - key.length)}${key}`;
};

test.each<[field: string, what: string, value: unknown, isAccepted: boolean]>([
  ['version_code', '64 characters', 'v'.repeat(64), true],
  ['distro', '64 characters', 'd'.repeat(64), true],
  ['distro', '65 characters', 'd'.repeat(65), false],
  ['target', '129 characters', `${'t'.repeat(64)}/${'s'.repeat(64)}`, false],
  ['packages', 'names of 32 KiB together', namesOf(32 * 1024), true],
  ['packages', 'names of a character more', namesOf(32 * 1024 + 1), false],
  ['packages', 'a name of 127 characters', ['p'.repeat(127)], true],
  ['packages_versions', 'names of 32 KiB together', versionsOf(namesOf(32 * 1024)), true],
  ['packages_versions', 'names of a character more', versionsOf(namesOf(32 * 1024 + 1)), false],
  ['packages_versions', 'a name of 127 characters', { ['p'.repeat(127)]: '' }, true],
  ['packages_versions', 'a name of 128 characters', { ['p'.repeat(128)]: '' }, false],
  [
    'packages_versions',
    'names that look like a file',
    { xipk: '', 'ipk.x': '', 'x.ipkg': '', 'x.apk-tools': '' },
    true,
  ],
  ['packages_versions', 'whatever a name may hold', { 'A0_z.9+Z-a': '', '464xlat': '' }, true],
  ['packages_versions', 'a version of 128 characters', { vim: 'v'.repeat(128) }, true],
  ['packages_versions', '1000 names', versionsOf(Array.from({ length: 1000 }, (_, at) => `n${at}`)), true],
  ['rootfs_size_mb', 'six digits', '999999', true],
  ['rootfs_size_mb', 'a number of six digits', 999_999, true],
  ['rootfs_size_mb', 'one digit', '1', true],
  ['repositories', 'a name of 128 characters', { ['n'.repeat(128)]: 'https://x.example/' }, true],
  ['repositories', 'a name of 129 characters', { ['n'.repeat(129)]: 'https://x.example/' }, false],
  ['repositories', 'a name of one dot', { '.': 'https://x.example/' }, false],
  ['repositories', 'a URL of 512 characters', { a: `https://${'x'.repeat(504)}` }, true],
  ['repositories', 'a URL of 513 characters', { a: `https://${'x'.repeat(505)}` }, false],
  ['repositories', 'the first and the last character of ASCII in a URL', { a: 'https://x/!~' }, true],
  ['repositories', 'a control character in a URL', { a: 'https://x/\x7f' }, false],
  ['repositories', 'a URL behind a word', { a: 'x https://x.example/' }, false],
  ['repository_keys', 'a key of 1 KiB', [comment(1024)], true],
  ['repository_keys', 'a key of a byte more', [comment(1025)], false],
])('%s may have up to its limit, and no more: %s', (field, _, value, isAccepted) => {
  expect(parse({ [field]: value }).ok).toBe(isAccepted);
});

test('so many entries that each of them would be a mistake are one', () => {
  const versions = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`-${at}`, '!']));
  expect(parse({ packages_versions: versions })).toEqual({
    ok: false,
    errors: [{ path: 'packages_versions', message: 'expected at most 1000 entries' }],
  });
  const repositories = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`n${at}`, 'https://x.example/']));
  expect(parse({ repositories })).toEqual({
    ok: false,
    errors: [{ path: 'repositories', message: 'expected at most 16 entries' }],
  });
});

test('a mistake is told by its place, cut short, and by what was expected there', () => {
  const told = (fields: Record<string, unknown>) => {
    const parsed = parse(fields);
    return parsed.ok ? [] : parsed.errors;
  };
  const [long] = told({ packages_versions: { [`${'p'.repeat(200)}`]: '1' } });
  expect(long?.path).toBe(`packages_versions.${'p'.repeat(110)}`);
  expect(told({ packages: ['p'.repeat(129)] })).toEqual([
    { path: 'packages.0', message: 'expected at most 128 characters' },
  ]);
  expect(told({ packages: ['vim', 'a b', '$'] }).map(({ path }) => path)).toEqual(['packages.1', 'packages.2']);
  expect(told({ target: 'x86' })).toEqual([{ path: 'target', message: 'expected target/subtarget' }]);
  expect(told({ packages_versions: { 'a b': '1' } })).toEqual([
    { path: 'packages_versions.a b', message: 'expected a package name' },
  ]);
  expect(told({ repositories: { '..': 'https://x.example/' } })).toEqual([
    { path: 'repositories...', message: expect.stringMatching(/^expected a repository name/) },
  ]);
  expect(told({ repositories: JSON.parse('{"__proto__":"https://x.example/"}') })).toEqual([
    { path: 'repositories.__proto__', message: expect.stringMatching(/^expected a repository name/) },
  ]);
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
  expect(parseBuildRequest({ ...MINIMAL, packages: names(324) })).toMatchObject({ ok: true });
  expect(parseBuildRequest({ ...MINIMAL, packages: names(325) })).toMatchObject({
    ok: false,
    errors: [{ path: 'packages', message: 'expected at most 32768 characters in all names together, got 32825' }],
  });
});

test.each<[string, Record<string, unknown>, string[]]>([
  ['a list', { packages: ['vim', 'luci'] }, ['vim', 'luci']],
  ['versions alone', { packages_versions: { vim: '9', curl: '8' } }, ['vim', 'curl']],
  ['a list and versions', { packages: ['vim'], packages_versions: { curl: '8' } }, ['vim']],
  ['neither', {}, []],
])('of %s this is to be installed: %j', (_, fields, names) => {
  const parsed = parse(fields);
  expect(parsed.ok && selectedPackages(parsed.request)).toEqual(names);
});

import { describe, expect, it, test } from 'vitest';
import { storeKey } from './build/build-record.ts';
import { EDGE_SETTINGS, type EdgeSettingName, isEdgeSetting, parseEdgeSettings } from './edge-settings.ts';
import { OPENWRT_BRANCHES } from './upstream/branch.ts';
import { OPENWRT } from './upstream/distro.ts';

/** Of the 24.10 release builds. */
const OPENWRT_KEY = 'RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw';

/** Where keys of ours begin, and those that are made of a room (edge/foreman/foreman-state.ts). */
const PLACES = new Set([
  ...Object.values(storeKey).map((key) => {
    const made = typeof key === 'string' ? key : (key as (...parts: unknown[]) => string)('a', 'b', 'c');
    return `${made.split('/')[0]}/`;
  }),
  'requests/',
  'foremen/',
]);

const KEY = '5e'.repeat(32);
const parse = (given: Record<string, unknown>) => parseEdgeSettings({ SERVER_KEY: KEY, ...given });
const names = Object.keys(EDGE_SETTINGS) as EdgeSettingName[];

const whole = (min: number, max: number): Row => ({
  good: [
    [String(min), min],
    [String(max), max],
    [max, max],
  ],
  bad: [
    String(min - 1),
    String(max + 1),
    '',
    '1.5',
    '-1',
    '1e3',
    '0x10',
    ' 1',
    '1\n',
    'many',
    'NaN',
    true,
    null,
    [1],
    {},
  ],
});

interface Row {
  readonly good: readonly (readonly [given: unknown, becomes: unknown])[];
  readonly bad: readonly unknown[];
}

const url = (extra: Row['good']): Row => ({
  good: [
    ['https://asu.example', 'https://asu.example'],
    ['http://127.0.0.1:8080/path/', 'http://127.0.0.1:8080/path'],
    ...extra,
  ],
  bad: [
    'asu.example',
    'ftp://asu.example',
    'https://',
    'https://a b',
    'https://u@h',
    'https://h?q',
    'https://h#f',
    'https://h:99999',
    'https://h\\x',
    'https://h\n',
  ],
});
const flag: Row = {
  good: [
    ['1', true],
    ['true', true],
    [true, true],
    [1, true],
    ['0', false],
    ['false', false],
    [false, false],
    ['', false],
  ],
  bad: ['yes', 'on', '2', 'TRUE', ' 1', null],
};
const anyText: Row = {
  good: [
    ['x', 'x'],
    ['', ''],
  ],
  bad: [],
};

const TRUST_POLICY = {
  operators: 2,
  unproven_operators: 3,
  proven_images: 10,
  proven_days: 30,
  active_operators: 10,
  distinct_networks: true,
  agreements: 5,
  canary_one_in: 20,
  rebuild_one_in: 10,
  rebuilds_a_day: 10,
  reproducible: [],
  trusted_only: [],
};

const TABLE: Record<EdgeSettingName, Row> = {
  PUBLIC_URL: url([['', '']]),
  UPSTREAM_URL: url([]),
  UPSTREAM_KEYS: {
    good: [
      [`["${OPENWRT_KEY}"]`, [OPENWRT_KEY]],
      [[OPENWRT_KEY], [OPENWRT_KEY]],
    ],
    bad: ['', 'RW', '["RW"]', '{}', '[1]', JSON.stringify(['x'.repeat(513)])],
  },
  UPSTREAM_UNSIGNED: flag,
  BRANCHES: {
    good: [
      ['{"24.10":{}}', [{ name: '24.10', enabled: true, snapshot: false, branchOffRevision: null }]],
      [
        { SNAPSHOT: { enabled: false, snapshot: true, branch_off_rev: 7 } },
        [{ name: 'SNAPSHOT', enabled: false, snapshot: true, branchOffRevision: 7 }],
      ],
      ['{}', []],
    ],
    bad: [
      '',
      '[]',
      '{"24.10":true}',
      '{"24.10.2":{}}',
      '{"main":{}}',
      '{"24.10":{"enable":true}}',
      '{"24.10":{"branch_off_rev":1.5}}',
    ],
  },
  DISTROS: {
    good: [
      ['{}', [OPENWRT]],
      [
        { libremesh: { feeds: { lime: 'https://feeds.example/{branch}/{arch}' } } },
        [
          OPENWRT,
          {
            name: 'libremesh',
            feeds: [{ name: 'lime', url: 'https://feeds.example/{branch}/{arch}' }],
            feedKeys: [],
            packages: [],
          },
        ],
      ],
      [
        { own: { keys: [OPENWRT_KEY], packages: ['lime-system'] } },
        [OPENWRT, { name: 'own', feeds: [], feedKeys: [OPENWRT_KEY], packages: ['lime-system'] }],
      ],
    ],
    bad: [
      '',
      '[]',
      '{"openwrt":{}}',
      '{"..":{}}',
      '{"a b":{}}',
      '{"own":{"feed":{}}}',
      '{"own":{"feeds":{"..":"https://feeds.example/"}}}',
      '{"own":{"feeds":{"lime":"https://feeds.example/{profile}"}}}',
      '{"own":{"feeds":{"lime":"https://feeds.example/../"}}}',
      '{"own":{"feeds":{"lime":"ftp://feeds.example/"}}}',
      '{"own":{"packages":["a b"]}}',
      '{"own":{"packages":["x.ipk"]}}',
      '{"own":{"keys":["RW"]}}',
    ],
  },
  CATALOGUE_REFRESH_SECONDS: whole(1, 3600),
  ALLOW_DEFAULTS: flag,
  MAX_DEFAULTS_LENGTH: whole(1, 65_536),
  MAX_CUSTOM_ROOTFS_SIZE_MB: whole(1, 16_384),
  REPOSITORY_ALLOW_LIST: {
    good: [
      ['["https://feeds.example/"]', ['https://feeds.example/']],
      ['[]', []],
    ],
    bad: ['', '["feeds.example"]', '["*"]', '["https://u@feeds.example/"]', '"https://feeds.example/"', 'https://x/'],
  },
  LEASE_SECONDS: whole(2, 600),
  REPORTS_PER_MINUTE: whole(1, 1_000_000),
  BUILD_SECONDS: whole(5, 7200),
  MAX_ATTEMPTS: whole(1, 10),
  MAX_QUEUE: whole(1, 1_000_000),
  MAX_VOLUNTEER_LEASES: whole(1, 10_000),
  PREBUILDS_A_RELEASE: whole(0, 1_000),
  PREBUILD_MINUTES: whole(0, 1_000_000),
  MAX_IMAGE_MB: whole(1, 16_384),
  ABANDONED_MINUTES: whole(1, 1440),
  FAILURE_SECONDS: whole(1, 86_400),
  PRIVATE_IMAGE_HOURS: whole(1, 720),
  IMAGES_BUDGET: {
    good: [
      ['', 0],
      ['0', 0],
      ['1', 1],
      ['40G', 40 * 1024 ** 3],
      ['500MiB', 500 * 1024 ** 2],
    ],
    bad: ['-1', '1.5G', '40 GB', 'much', '9999999T', null],
  },
  CLIENT_ADDRESS_HEADER: {
    good: [
      ['X-Real-IP', 'x-real-ip'],
      ['', ''],
    ],
    bad: ['x-real-ip:', 'x real ip', 'x-real-ip\n', 'x'.repeat(65)],
  },
  BUILDS_PER_MINUTE: whole(0, 1_000_000),
  MISSES_PER_MINUTE: whole(0, 1_000_000),
  TRUST_POLICY: {
    good: [
      ['{}', TRUST_POLICY],
      [
        { operators: 3, reproducible: ['* x86/64'] },
        { ...TRUST_POLICY, operators: 3, reproducible: ['* x86/64'] },
      ],
      ['{"distinct_networks":false}', { ...TRUST_POLICY, distinct_networks: false }],
      ['{"trusted_only":["snapshot"]}', { ...TRUST_POLICY, trusted_only: ['snapshot'] }],
    ],
    bad: [
      '',
      '[]',
      '{"operators":1}',
      '{"operators":3,"unproven_operators":2}',
      '{"active_operators":0}',
      '{"operator":2}',
      '{"reproducible":["x86/64"]}',
      '{"trusted_only":["defaults"]}',
    ],
  },
  IDENTITY_SALT: anyText,
  CONTACT: anyText,
  DIRECT_UPLOADS: flag,
  S3_ENDPOINT: url([['', '']]),
  S3_BUCKET: {
    good: [
      ['', 'asu-images'],
      ['my.bucket-1', 'my.bucket-1'],
      ['a'.repeat(63), 'a'.repeat(63)],
    ],
    bad: ['ab', 'a'.repeat(64), 'images/other', '..', '../other', '-images', 'images.', 'Images', 'images\n'],
  },
  S3_REGION: {
    good: [
      ['', 'us-east-1'],
      ['auto', 'auto'],
    ],
    bad: [],
  },
  S3_ACCESS_KEY_ID: anyText,
  S3_SECRET_ACCESS_KEY: anyText,
  STORE_PREFIX: {
    good: [
      ['', ''],
      ['staging/', 'staging/'],
      [`${'a'.repeat(63)}/`, `${'a'.repeat(63)}/`],
    ],
    bad: [...PLACES, 'staging', '/', '/a/', 'a/b/', '../', 'A/', '-a/', ' a/', 'a/\n', `${'a'.repeat(64)}/`],
  },
  TAKES_OVER: {
    good: [
      ['', ''],
      ['0123456789abc', '0123456789abc'],
    ],
    bad: ['0123456789ab', '0123456789ABC', '0123456789abcd', '1', 'true', '0123456789abc\n'],
  },
  SERVER_KEY: {
    good: [['0a'.repeat(32), '0a'.repeat(32)]],
    bad: ['', '0a', '0A'.repeat(32), `${'0a'.repeat(32)}\n`, '0g'.repeat(32), null],
  },
  ADMIN_KEY: {
    good: [
      ['0a'.repeat(32), '0a'.repeat(32)],
      ['', ''],
    ],
    bad: ['0a', '0A'.repeat(32), `${'0a'.repeat(32)}\n`, '0g'.repeat(32), ' ', null],
  },
};

test('the table knows every setting', () => {
  expect(Object.keys(TABLE).sort()).toEqual([...names].sort());
});

describe.each(Object.entries(TABLE) as [EdgeSettingName, Row][])('%s', (name, { good, bad }) => {
  it.each(good)('may be %j', (given, becomes) => {
    expect(parse({ [name]: given })[name]).toEqual(becomes);
  });

  if (bad.length > 0)
    it.each(bad.map((given) => [given]))('may not be %j, and the sentence says what was expected', (given) => {
      expect(() => parse({ [name]: given })).toThrow(
        new RegExp(`^${name}: (?:\\S*: )?(?:expected|.*[Ii]nvalid|.*[Tt]oo big|.*Unrecognized)`),
      );
    });

  it('is explained', () => {
    expect(EDGE_SETTINGS[name].text.length).toBeGreaterThan(5);
  });
});

test('nothing but the server key needs to be set', () => {
  expect(parse({})).toMatchObject({
    UPSTREAM_URL: 'https://downloads.openwrt.org',
    UPSTREAM_UNSIGNED: false,
    ALLOW_DEFAULTS: false,
    BRANCHES: OPENWRT_BRANCHES,
    REPOSITORY_ALLOW_LIST: [],
    LEASE_SECONDS: 90,
    REPORTS_PER_MINUTE: 3_000,
  });
  expect(() => parseEdgeSettings({})).toThrow(/^SERVER_KEY: expected 64 hex digits/);
});

test('what is no setting is left alone here, and can be told from one', () => {
  expect(Object.keys(parse({ CACHE: {}, NO_SUCH: 'x', __proto__x: 1 })).sort()).toEqual([...names].sort());
  expect(['SERVER_KEY', 'NO_SUCH', 'constructor', '__proto__'].map(isEdgeSetting)).toEqual([true, false, false, false]);
});

test('an impossible secret is never repeated, nor a password in a URL; an impossible other value is, shortened', () => {
  expect(() => parseEdgeSettings({ SERVER_KEY: 'hunter2' })).toThrow(/^(?!.*hunter2)/s);
  for (const given of ['https://u:hunter2@h/', 'https://u:pass/hunter2@h/'])
    expect(() => parse({ S3_ENDPOINT: given })).toThrow(/^(?!.*hunter2).*got "https:..…@h\/"$/s);
  expect(() => parse({ LEASE_SECONDS: `nine${'9'.repeat(1000)}` })).toThrow(/got "nine9{196}"$/);
});

test('every setting that is called a key or a secret is treated as one', () => {
  const secrets = names.filter((name) => 'secret' in EDGE_SETTINGS[name]);
  expect(secrets).toEqual(['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY', 'SERVER_KEY', 'ADMIN_KEY']);
});

/**
 * Every variable of the edge, its default and its meaning, in one table: read by the Worker, listed by
 * `npm start -- --print-config`. An unknown name or an impossible value stops the start with a sentence, because a
 * mistyped variable that is silently ignored is a policy that is silently off.
 */
import { z } from 'zod';
import { parseUsignPublicKey } from './crypto/usign.ts';
import { parseByteSize } from './text/byte-size.ts';
import { withoutTrailingSlashes } from './text/trailing-slashes.ts';
import { trustPolicySchema } from './trust/policy.ts';
import { type Branch, OPENWRT_BRANCHES } from './upstream/branch.ts';
import { distrosSchema } from './upstream/distro.ts';

interface Setting<T = unknown> {
  readonly text: string;
  readonly secret?: true;
  readonly fallback: string;
  readonly parse: (value: string) => T;
}

const isHttpUrl = (value: string): boolean => /^https?:\/\/[^\s?#@\\]+$/.test(value) && URL.canParse(value);

const httpUrl = (value: string): string => {
  if (!isHttpUrl(value)) throw new Error('expected an http or https URL without user, query or fragment');
  return withoutTrailingSlashes(value);
};

const optionalHttpUrl = (value: string): string => (value === '' ? '' : httpUrl(value));

const whole =
  (min: number, max: number) =>
  (value: string): number => {
    if (!/^\d+$/.test(value) || Number(value) < min || Number(value) > max)
      throw new Error(`expected a whole number from ${min} to ${max}`);
    return Number(value);
  };

/** Bytes; 0: there is no limit. */
const budget = (value: string): number => {
  const bytes = value === '' ? 0 : parseByteSize(value);
  if (bytes === null) throw new Error('expected an amount such as 500M, 40G or 2T, or nothing');
  return bytes;
};

const flag = (value: string): boolean => {
  if (value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false' || value === '') return false;
  throw new Error('expected 1 or 0');
};

const json =
  <S extends z.ZodType>(schema: S) =>
  (value: string): z.output<S> => {
    let data: unknown;
    try {
      data = JSON.parse(value);
    } catch {
      throw new Error('expected JSON');
    }
    const parsed = schema.safeParse(data);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unexpected'}`);
    }
    return parsed.data;
  };

const text = (value: string): string => value;

/** As the runtime spells it. */
const headerName = (value: string): string => {
  if (!/^[A-Za-z0-9-]{0,64}$/.test(value)) throw new Error('expected the name of a header');
  return value.toLowerCase();
};

/** @throws Error naming the first that is no key: a mistyped key must not wait for the first request to be found */
const usignKeys = (value: string): readonly string[] => {
  const keys = json(z.array(z.string().max(512)).max(64))(value);
  for (const key of keys) parseUsignPublicKey(key);
  return keys;
};

/** What the edge's own keys begin with (build-record.ts): below such a prefix one edge would list the keys of another as its own. */
const OWN_PLACES: readonly string[] = [
  'objects/',
  'builds/',
  'intents/',
  'manifests/',
  'logs/',
  'log/',
  'statements/',
  'incoming/',
  'requests/',
  'foremen/',
];

/** @throws Error for what is no part of a key with a slash behind it; empty is none */
const storePrefix = (value: string): string => {
  if (!/^(?:[a-z0-9][a-z0-9-]{0,62}\/)?$/.test(value))
    throw new Error('expected at most 63 of a-z 0-9 - and a slash behind them, such as staging/');
  if (OWN_PLACES.includes(value))
    throw new Error(`expected none of ${OWN_PLACES.join(' ')}, where edges keep their own`);
  return value;
};

/** S3's own rule, less its finer points: what it must keep out is a slash or `..`, which would be another bucket. */
const bucketName = (value: string): string => {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(value)) throw new Error('expected 3 to 63 of a-z 0-9 . -');
  return value;
};

/** Where nothing is said by an empty value: so Wrangler's `[vars]` take one back. */
const orElse =
  (fallback: string, parse: (value: string) => string) =>
  (value: string): string =>
    parse(value === '' ? fallback : value);

/** As `foreman.json` has it, whole: a part of it would fit a third edge as well. */
const edgeId = (value: string): string => {
  if (!/^(?:[0-9a-f]{13})?$/.test(value)) throw new Error('expected the 13 hex digits that /healthz tells');
  return value;
};

/** 32 bytes as 64 hex digits. */
const serverKey = (value: string): string => {
  if (!/^[0-9a-f]{64}$/.test(value)) throw new Error('expected 64 hex digits (`openssl rand -hex 32` makes them)');
  return value;
};

const optionalKey = (value: string): string => (value === '' ? '' : serverKey(value));

const branchesSchema = z
  .record(
    z.string().regex(/^(?:SNAPSHOT|\d{2}\.\d{2})$/, 'expected SNAPSHOT or a branch such as 24.10'),
    z.strictObject({
      enabled: z.boolean().default(true),
      snapshot: z.boolean().default(false),
      branch_off_rev: z.int().nullable().default(null),
    }),
  )
  .transform((rows): readonly Branch[] =>
    Object.entries(rows).map(([name, row]) => ({
      name,
      enabled: row.enabled,
      snapshot: row.snapshot,
      branchOffRevision: row.branch_off_rev,
    })),
  );

const defaultBranches = JSON.stringify(
  Object.fromEntries(
    OPENWRT_BRANCHES.map((branch) => [
      branch.name,
      { enabled: branch.enabled, snapshot: branch.snapshot, branch_off_rev: branch.branchOffRevision },
    ]),
  ),
);

const setting = <T>(fallback: string, parse: (value: string) => T, text: string, secret?: true): Setting<T> => ({
  fallback,
  parse,
  text,
  ...(secret && { secret }),
});

export const EDGE_SETTINGS = {
  PUBLIC_URL: setting('', optionalHttpUrl, 'how clients reach this server; the API’s document names it'),
  UPSTREAM_URL: setting('https://downloads.openwrt.org', httpUrl, 'mirror in the layout of downloads.openwrt.org'),
  UPSTREAM_KEYS: setting('[]', usignKeys, 'JSON array of usign public keys trusted beside the built-in ones'),
  UPSTREAM_UNSIGNED: setting(
    '0',
    flag,
    '1: accept a mirror without signatures (shown in /healthz); for a private mirror only',
  ),
  BRANCHES: setting(defaultBranches, json(branchesSchema), 'JSON object: branch → {enabled, snapshot, branch_off_rev}'),
  DISTROS: setting(
    '{}',
    json(distrosSchema),
    'JSON object: distribution → {feeds, keys, packages}; each stands on OpenWrt and adds to it',
  ),
  CATALOGUE_REFRESH_SECONDS: setting(
    '60',
    whole(1, 3600),
    'how old upstream metadata may be before it is asked for again',
  ),
  ALLOW_DEFAULTS: setting('0', flag, '1: accept `defaults`, a first-boot script; such images are private'),
  MAX_DEFAULTS_LENGTH: setting('20480', whole(1, 65_536), 'bytes of `defaults`'),
  MAX_CUSTOM_ROOTFS_SIZE_MB: setting('1024', whole(1, 16_384), 'largest `rootfs_size_mb`'),
  REPOSITORY_ALLOW_LIST: setting(
    '[]',
    json(z.array(z.string().max(512).refine(isHttpUrl, 'expected an http or https URL')).max(256)),
    'JSON array of URL prefixes that `repositories` may use',
  ),
  LEASE_SECONDS: setting('90', whole(2, 600), 'a node that reports nothing for so long has lost its build'),
  REPORTS_PER_MINUTE: setting(
    '3000',
    whole(1, 1_000_000),
    'how often all nodes together say what their builds are at; the more are at work, the more rarely each of them',
  ),
  BUILD_SECONDS: setting('600', whole(5, 7200), 'a build that takes longer is stopped'),
  MAX_ATTEMPTS: setting('3', whole(1, 10), 'how often a build may be tried'),
  MAX_QUEUE: setting('10000', whole(1, 1_000_000), 'builds that may wait; more are answered 503'),
  MAX_VOLUNTEER_LEASES: setting(
    '32',
    whole(1, 10_000),
    'builds that all volunteers of one operator may have at once; each node has its slots',
  ),
  MAX_IMAGE_MB: setting('2048', whole(1, 16_384), 'largest file of a build, and largest sum of its files'),
  ABANDONED_MINUTES: setting(
    '15',
    whole(1, 1440),
    'a build that waits, and that nobody has asked for during so long, leaves the queue',
  ),
  PREBUILDS_A_RELEASE: setting(
    '200',
    whole(0, 1000),
    'images that are built ahead when upstream has a new release, or a target of a snapshot moved; 0: none',
  ),
  PREBUILD_MINUTES: setting(
    '600',
    whole(0, 1_000_000),
    'minutes that all nodes together may spend a day on building ahead',
  ),
  FAILURE_SECONDS: setting('3600', whole(1, 86_400), 'how long a failure that would happen again is remembered'),
  PRIVATE_IMAGE_HOURS: setting(
    '24',
    whole(1, 720),
    'how long an image made with `defaults` is served; then it is removed',
  ),
  IMAGES_BUDGET: setting(
    '',
    budget,
    'what published images may take in the store, such as 40G; then those go that were served least lately; empty or 0: no limit',
  ),
  CLIENT_ADDRESS_HEADER: setting(
    'cf-connecting-ip',
    headerName,
    'the header in which whoever stands before this server says who asks; empty: nobody does, and nobody is limited',
  ),
  BUILDS_PER_MINUTE: setting(
    '120',
    whole(0, 1_000_000),
    'new builds that one client may ask for; more are answered 429; 0: no limit',
  ),
  MISSES_PER_MINUTE: setting(
    '3000',
    whole(0, 1_000_000),
    'requests of one client that memory and KV cannot answer; more are answered 429; 0: no limit',
  ),
  TRUST_POLICY: setting(
    '{}',
    json(trustPolicySchema),
    'JSON object: what it takes to publish what volunteers built, as far as it is not as docs/trust.md has it',
  ),
  IDENTITY_SALT: setting('1', text, 'part of every hash; with another one nobody who asks is given an image of before'),
  CONTACT: setting('', text, 'who runs this server, shown in the overview'),
  DIRECT_UPLOADS: setting(
    '0',
    flag,
    '1: trusted nodes that have keys of the store may put files there by themselves, below `incoming/`',
  ),
  S3_ENDPOINT: setting('', optionalHttpUrl, 'S3 store for images; empty: the R2 binding'),
  S3_BUCKET: setting('asu-images', orElse('asu-images', bucketName), 'bucket'),
  S3_REGION: setting(
    'us-east-1',
    orElse('us-east-1', text),
    'region; the default is what servers expect that know none',
  ),
  S3_ACCESS_KEY_ID: setting('', text, 'access key', true),
  S3_SECRET_ACCESS_KEY: setting('', text, 'secret key', true),
  STORE_PREFIX: setting(
    '',
    storePrefix,
    'what every key in the bucket begins with, such as staging/: for two edges in one bucket',
  ),
  TAKES_OVER: setting('', edgeId, 'the edge, as /healthz names it, whose bucket this one takes over for good'),
  SERVER_KEY: setting('', serverKey, 'the server’s one secret, 64 hex digits; signs orders, seals `defaults`', true),
  ADMIN_KEY: setting(
    '',
    optionalKey,
    '64 hex digits, for those who run the farm (`asu nodes`, `asu token`); empty: there is no such API',
    true,
  ),
} as const;

export type EdgeSettingName = keyof typeof EDGE_SETTINGS;
export type EdgeSettings = { readonly [Name in EdgeSettingName]: ReturnType<(typeof EDGE_SETTINGS)[Name]['parse']> };

export const isEdgeSetting = (name: string): name is EdgeSettingName => Object.hasOwn(EDGE_SETTINGS, name);

/** Also of one with a slash in it, which is no URL. */
const USER_OF_URL = /\/\/[^\s"]*@/g;

/**
 * Parses what is given and fills in the rest.
 * @throws Error naming the variable, what was expected, and never the value of a secret, nor whom a URL names as its user
 */
export function parseEdgeSettings(given: Readonly<Record<string, unknown>>): EdgeSettings {
  const settings: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(EDGE_SETTINGS) as [EdgeSettingName, Setting][]) {
    const value = given[name];
    // Wrangler gives JSON variables as objects.
    const asText = value === undefined ? row.fallback : typeof value === 'string' ? value : JSON.stringify(value);
    try {
      settings[name] = row.parse(asText);
    } catch (error) {
      const got = row.secret ? '' : `, got ${JSON.stringify(asText.replace(USER_OF_URL, '//…@').slice(0, 200))}`;
      throw new Error(`${name}: ${(error as Error).message}${got}`);
    }
  }
  return settings as EdgeSettings;
}

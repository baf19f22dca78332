/**
 * Distributions as data. OpenWrt is built in: its branches (branch.ts), what changed between them (package-changes.ts) and
 * the keys that sign them (openwrt-keys.ts). Others stand on its versions and bring feeds and packages of their own; for
 * the rest of the code such a feed is a foreign one, so an image made from it is never taken for pure OpenWrt.
 */
import { z } from 'zod';
import { isPackageName, REPOSITORY_KEY, REPOSITORY_NAME, WORD } from '../request/grammar.ts';
import { isPlainUrl } from '../request/repository-allow-list.ts';
import { branchName } from './branch.ts';

export interface DistroFeed {
  readonly name: string;
  /** With `{version}`, `{branch}`, `{target}` and `{arch}` where those stand. */
  readonly url: string;
}

export interface Distro {
  readonly name: string;
  /** What pages call it; without one, its name. */
  readonly alias?: string;
  /** A sentence for pages that offer it. */
  readonly description?: string;
  readonly feeds: readonly DistroFeed[];
  /** Public keys of the feeds, as in `repository_keys`. */
  readonly feedKeys: readonly string[];
  /** Installed beside the device's own packages; a client removes one with `-name`. */
  readonly packages: readonly string[];
}

export const OPENWRT: Distro = {
  name: 'openwrt',
  alias: 'OpenWrt',
  description: 'The Linux distribution for embedded devices',
  feeds: [],
  feedKeys: [],
  packages: [],
};

const PLACEHOLDER = /\{(version|branch|target|arch)\}/g;

/** The example values are the longest in use, so that what passes here passes for a real version too. */
const EXAMPLE = { version: '25.12-SNAPSHOT', target: 'armsr/armv8', arch: 'arm_cortex-a15_neon-vfpv4' };

export interface FeedPlace {
  readonly version: string;
  readonly target: string;
  readonly arch: string;
}

/** The URL of a feed for one version and device; every value has passed its grammar before. */
export function feedUrl({ url }: DistroFeed, place: FeedPlace): string {
  const values: Readonly<Record<string, string>> = { ...place, branch: branchName(place.version) ?? place.version };
  return url.replace(PLACEHOLDER, (_, name: string) => values[name] ?? '');
}

const isDot = (name: string): boolean => name === '.' || name === '..';

/** Of one feed more than that, a node would refuse the order. */
const MAX_FEEDS = 8;

const feedsSchema = z
  .record(
    z
      .string()
      .max(64)
      .refine((name) => REPOSITORY_NAME.test(name) && !isDot(name), 'expected a repository name'),
    z
      .string()
      .max(512)
      .refine(
        (url) => isPlainUrl(feedUrl({ name: '', url }, EXAMPLE)),
        'expected an http or https URL, with {version}, {branch}, {target} or {arch} where those stand',
      ),
  )
  .refine((feeds) => Object.keys(feeds).length <= MAX_FEEDS, `expected at most ${MAX_FEEDS} feeds`);

/** Old pages write such a text into their HTML as it is. */
const plainText = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !/[<>&\p{C}]/u.test(text), 'expected text without "<", ">", "&" or control characters')
    .optional();

/**
 * `{"<name>": {"alias": "…", "description": "…", "feeds": {"<feed>": "<url>"}, "keys": ["RW…"], "packages": ["…"]}}`, the value
 * of the variable DISTROS.
 */
export const distrosSchema = z
  .record(
    z
      .string()
      .max(64)
      .refine(
        (name) => WORD.test(name) && !isDot(name) && name !== OPENWRT.name,
        'expected the name of a distribution other than openwrt',
      ),
    z.strictObject({
      alias: plainText(64),
      description: plainText(500),
      feeds: feedsSchema.default({}),
      keys: z
        .array(z.string().max(1024).regex(REPOSITORY_KEY, 'expected a usign or PEM public key'))
        .max(8)
        .default([]),
      packages: z.array(z.string().refine(isPackageName, 'expected a package name')).max(200).default([]),
    }),
  )
  .transform((rows): readonly Distro[] => [
    OPENWRT,
    ...Object.entries(rows).map(([name, row]) => ({
      name,
      ...(row.alias !== undefined && { alias: row.alias }),
      ...(row.description !== undefined && { description: row.description }),
      feeds: Object.entries(row.feeds).map(([feed, url]) => ({ name: feed, url })),
      feedKeys: row.keys,
      packages: row.packages,
    })),
  ]);

export const findDistro = (distros: readonly Distro[], name: string): Distro | undefined =>
  distros.find((distro) => distro.name === name);

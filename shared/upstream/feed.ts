/**
 * Package indexes of a feed in the three forms upstream has: `Packages` (opkg), `index.json` v1 and v2. Each gives the
 * same thing, ABI-free name → version, so that nobody else has to know the era; `Packages` alone also tells which other
 * names its packages answer to. Everything in them is untrusted: a name or version outside our grammar is dropped here,
 * because it could end in a path, a hash or a command line.
 */
import { bytesToHex, utf8ToBytes } from '../crypto/digest.ts';
import { isPackageName, PACKAGE_VERSION } from '../request/grammar.ts';
import { isJsonObject, parseJsonObject } from '../text/json-object.ts';
import { quoted } from '../text/printable.ts';
import type { PackageList } from './catalogue-document.ts';

export interface FeedIndex {
  /** A Map, because `constructor` is a legal package name and `__proto__` an attempt. */
  readonly packages: ReadonlyMap<string, string>;
  /** Other names that can be asked for; null where the index does not tell. */
  readonly provides: ReadonlySet<string> | null;
  /** Entries that did not fit the grammar. */
  readonly dropped: number;
}

/** Far beyond upstream's largest feed (some 11,000); more is an attempt to fill our memory. */
export const MAX_PACKAGES = 60_000;
/** A package has one other name or none, but for a few. */
const MAX_PROVIDES = 2 * MAX_PACKAGES;
/** Told again and again, or none at all: an index may be sixteen megabytes of commas. */
const MAX_TOLD_PROVIDES = 4 * MAX_PROVIDES;
const MAX_VERSION_LENGTH = 128;

class IndexBuilder {
  readonly packages = new Map<string, string>();
  readonly provides = new Set<string>();
  dropped = 0;
  #toldProvides = 0;

  add(name: string, version: unknown): void {
    if (
      typeof version !== 'string' ||
      version === '' ||
      version.length > MAX_VERSION_LENGTH ||
      !isPackageName(name) ||
      !PACKAGE_VERSION.test(version)
    ) {
      this.dropped++;
      return;
    }
    this.packages.set(name, version);
    if (this.packages.size > MAX_PACKAGES)
      throw new Error(`expected at most ${MAX_PACKAGES} packages in an index, got more`);
  }

  provide(name: string): void {
    this.#toldProvides++;
    if (isPackageName(name)) this.provides.add(name);
    if (this.provides.size > MAX_PROVIDES || this.#toldProvides > MAX_TOLD_PROVIDES)
      throw new Error(`expected at most ${MAX_PROVIDES} provided names in an index, got more`);
  }
}

/**
 * `Packages`: stanzas of `Field: value` lines. Only four of some fourteen lines a stanza matter, so the first letter
 * decides and nothing else is looked at: 5 MB a feed are parsed at each change. A repeated name (two ABIs of one library)
 * keeps the last, as upstream's own `make-index-json.py` does.
 * @throws Error when the text has no stanza: a web page with status 200, say. An empty text is an empty feed
 */
export function parsePackagesText(text: string): FeedIndex {
  const index = new IndexBuilder();
  let name: string | null = null;
  let version = '';
  let abi = '';
  let provides = '';
  const finish = (): void => {
    if (name === null) return;
    index.add(withoutAbi(name, abi), version);
    // With its ABI it can be asked for as well; both also where the version is none that we would repeat.
    for (const provided of [name, ...providedNames(provides)]) {
      index.provide(provided);
      index.provide(withoutAbi(provided, abi));
    }
  };
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const first = text.charCodeAt(start);
    if (first === 0x50 /* P */ && text.startsWith('Package: ', start)) {
      finish();
      name = text.slice(start + 9, end).trim();
      version = '';
      abi = '';
      provides = '';
    } else if (first === 0x50 /* P */ && text.startsWith('Provides: ', start)) {
      provides = text.slice(start + 10, end);
    } else if (first === 0x56 /* V */ && text.startsWith('Version: ', start)) {
      version = text.slice(start + 9, end).trim();
    } else if (first === 0x41 /* A */ && text.startsWith('ABIVersion: ', start)) {
      abi = text.slice(start + 12, end).trim();
    }
    start = end + 1;
  }
  finish();
  if (index.packages.size === 0 && text.trim() !== '')
    throw new Error(`expected stanzas beginning with "Package:", got ${quoted(text.trim())}`);
  return {
    packages: new Map(copied([...index.packages])),
    provides: new Set(copied([...index.provides])),
    dropped: index.dropped,
  };
}

/**
 * As upstream's `make-index-json.py` has it. A dash that sets a name's digit apart counts to the ABI (`libnghttp2-14`, ABI
 * `-14`). A package whose whole name is its ABI would have no name left.
 */
export const withoutAbi = (name: string, abi: string): string =>
  abi !== '' && name.length > abi.length && name.endsWith(abi) ? name.slice(0, -abi.length) : name;

/** `libelf1, libwolfssl=5.7.2, @ip-any, wget (>= 1)`: names alone. */
const providedNames = (value: string): string[] =>
  value.split(',', MAX_PROVIDES + 1).map((entry) => {
    const word = entry.trim();
    const end = word.search(/[ (=<>~]/);
    return word.slice(word.startsWith('@') ? 1 : 0, end === -1 ? undefined : end);
  });

/** Copies: a string that was cut out of a text keeps the whole text alive, and ten thousand names would hold 5 MB. */
export const copied = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

/**
 * Version 2 has bare names. Version 1 of an opkg feed has the ABI in its names (`libubox20230523`) and cannot say where it
 * begins, so it is for feeds that have no `Packages`; nor can it have been written by anything else in the apk era.
 * @throws Error when the text is not JSON or not an index
 */
export function parseIndexJson(text: string): FeedIndex {
  const { packages } = parseJsonObject(text);
  if (!isJsonObject(packages)) throw new Error('expected an object with "packages", got another kind of JSON');
  const index = new IndexBuilder();
  for (const [name, value] of Object.entries(packages)) index.add(name, value);
  return { packages: index.packages, provides: null, dropped: index.dropped };
}

/** One index over several; a name in two of them has the version of the last, and one that does not tell makes all unsure. */
export function mergeIndexes(indexes: readonly FeedIndex[]): FeedIndex {
  const packages = new Map<string, string>();
  let provides: Set<string> | null = new Set();
  for (const index of indexes) {
    for (const [name, version] of index.packages) packages.set(name, version);
    if (!index.provides) provides = null;
    else if (provides) for (const name of index.provides) provides.add(name);
  }
  if (packages.size > MAX_PACKAGES)
    throw new Error(`expected at most ${MAX_PACKAGES} packages in all, got ${packages.size}`);
  return { packages, provides, dropped: indexes.reduce((sum, index) => sum + index.dropped, 0) };
}

/** As documents carry an index. `alsoThere`: names that no index has, and that an ImageBuilder knows all the same. */
export async function packageList(index: FeedIndex, alsoThere: readonly string[] = []): Promise<PackageList> {
  const names = index.provides ? new Set([...index.provides, ...alsoThere]) : new Set<string>();
  return {
    packages: packagesRecord(index.packages),
    packagesDigest: await packagesDigest(index.packages),
    provides: [...names].filter((name) => !index.packages.has(name)).sort(),
    providesKnown: index.provides !== null,
  };
}

/** As documents carry it, sorted, so that equal packages are equal text. `fromEntries` defines, it never sets `__proto__`. */
export const packagesRecord = (packages: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries([...packages].sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Digest of names and versions, in any order of the map. Neither can hold a blank or a newline, so lines are unambiguous. By
 * WebCrypto, since half a megabyte takes the pure implementation long enough to be felt by every other caller.
 */
export async function packagesDigest(packages: ReadonlyMap<string, string>): Promise<string> {
  const lines = [...packages].map(([name, version]) => `${name} ${version}\n`).sort();
  return bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8ToBytes(lines.join('')))));
}

/** A feed's name becomes a directory of a URL, so nothing that climbs. */
const FEED_NAME = /^[A-Za-z0-9][\w-]{0,63}$/;
const MAX_FEEDS = 32;

/**
 * Feed names of `feeds.conf`: the second word of each `src-…` line. `base` is built with the system itself, so the file
 * does not list it, yet it is there beside the others; it goes first.
 * @throws Error when no line is one, or when there are too many
 */
export function parseFeedsConf(text: string): string[] {
  const names = new Set(['base']);
  for (const line of text.split('\n')) {
    const [kind = '', name = ''] = line.trim().split(/\s+/, 2);
    if (kind.startsWith('src-') && FEED_NAME.test(name)) names.add(name);
  }
  if (names.size === 1 && text.trim() !== '')
    throw new Error(`expected lines of "src-git <name> <url>", got ${quoted(text.trim())}`);
  if (names.size > MAX_FEEDS) throw new Error(`expected at most ${MAX_FEEDS} feeds, got ${names.size}`);
  return [...names];
}

/**
 * The list of installed packages as clients know it, without ABI versions in its names (`libubox`, not `libubox20230523`),
 * from the one that lies beside an image. It is what `make manifest STRIP_ABI=1` prints, which would install everything a
 * second time to say so. A name does not tell where its ABI begins; the index of its feed does, and where that does not
 * either, the name is told as undecided and never guessed at.
 */
import { withoutAbi } from '../upstream/feed.ts';
import type { Manifest } from '../upstream/manifest.ts';
import type { IndexedPackage } from '../upstream/opkg-index.ts';

/** What the indexes know: the name without its ABI of what is installed under a name in a version; null: nothing. */
export type BareNames = (name: string, version: string) => string | null;

export interface InstalledPackages {
  /** ABI-free, sorted. Of two ABIs of one library the one whose name comes last counts, as in what opkg prints. */
  readonly packages: Manifest;
  /** Names that no index explains; `packages` holds them as they are. */
  readonly undecided: readonly string[];
}

/** Made with the ImageBuilder itself and carried in it, so in no feed that a build reads; none has an ABI version. */
const LOCAL: ReadonlySet<string> = new Set(['base-files', 'kernel', 'libc']);

export function installedPackages(manifest: Manifest, bareNames: BareNames): InstalledPackages {
  const packages = new Map<string, string>();
  const undecided: string[] = [];
  for (const name of Object.keys(manifest).sort()) {
    const version = manifest[name] ?? '';
    const bare = bareNames(name, version);
    if (bare === null && !LOCAL.has(name)) undecided.push(name);
    packages.set(bare ?? name, version);
  }
  const sorted = [...packages].sort(([a], [b]) => (a < b ? -1 : 1));
  return { packages: Object.fromEntries(sorted), undecided };
}

/**
 * By the stanzas of `Packages`, which name the ABI of each package. One name may be in several feeds and versions; where
 * they disagree about its ABI, the version decides.
 */
export function bareNamesOfStanzas(
  stanzas: Iterable<Pick<IndexedPackage, 'name' | 'version' | 'abiVersion'>>,
): BareNames {
  /** Name → version → name without ABI; null: two stanzas of one version disagree. */
  const known = new Map<string, Map<string, string | null>>();
  for (const { name, version, abiVersion } of stanzas) {
    const bare = withoutAbi(name, abiVersion);
    const versions = known.get(name) ?? new Map<string, string | null>();
    known.set(name, versions);
    versions.set(version, versions.has(version) && versions.get(version) !== bare ? null : bare);
  }
  return (name, version) => {
    const versions = known.get(name);
    if (versions === undefined) return null;
    if (versions.has(version)) return versions.get(version) ?? null;
    const [only, ...others] = new Set(versions.values());
    return others.length === 0 ? (only ?? null) : null;
  };
}

/** An ABI version begins with a digit, or with a dash where the name before it ends with one (`libnghttp2-14`). */
const ABI_SUFFIX = /^-?[0-9][0-9A-Za-z._-]*$/;

/**
 * By `index.json` in its version 2, which has bare names and no ABI: the longest of its names in the same version of which
 * the installed one is a continuation by an ABI. Where a name is in the index as it is, it has none.
 */
export function bareNamesOfIndex(versions: ReadonlyMap<string, string>): BareNames {
  return (name, version) => {
    for (let length = name.length; length > 0; length--) {
      const candidate = name.slice(0, length);
      if (versions.get(candidate) !== version) continue;
      if (length === name.length || ABI_SUFFIX.test(name.slice(length))) return candidate;
    }
    return null;
  };
}

/**
 * What the Catalogue compiles from an upstream mirror and the Workers read: one document with all versions, one per
 * (version, target), one per (version, arch). A check or a build request costs two of them at most, so each holds just
 * what those need. All are plain JSON; `checkedAt` and `fetchedAt` are milliseconds since 1970.
 */

/** KV keys of the documents. The upstream is part of the key: switching mirrors must not serve another's documents. */
export const catalogueKey = {
  versions: (upstream: string): string => `catalogue/${upstream}/versions`,
  target: (upstream: string, version: string, target: string): string =>
    `catalogue/${upstream}/target/${version}/${target}`,
  arch: (upstream: string, version: string, arch: string): string => `catalogue/${upstream}/arch/${version}/${arch}`,
};

export interface VersionsDocument {
  readonly kind: 'versions';
  /** Newest first. Releases as upstream lists them, then the snapshots that the configured branches offer. */
  readonly versions: readonly VersionEntry[];
  readonly stableVersion: string;
  readonly oldstableVersion: string;
  readonly upcomingVersion: string;
  readonly fetchedAt: number;
  /** When upstream last said that this is current; older than the refresh interval means: ask again, serve meanwhile. */
  readonly checkedAt: number;
}

export interface VersionEntry {
  readonly version: string;
  readonly branch: string;
  /** Target to package architecture (`"x86/64": "x86_64"`); empty while upstream has not published `.targets.json`. */
  readonly targets: Readonly<Record<string, string>>;
}

export interface ProfileEntry {
  readonly devicePackages: readonly string[];
  readonly supportedDevices: readonly string[];
  readonly titles: readonly Readonly<Record<string, string>>[];
  readonly imagePrefix: string;
}

export interface TargetDocument {
  readonly kind: 'target';
  readonly version: string;
  readonly target: string;
  /** Upstream's revision, `r28427-6df0e3d02a`. */
  readonly versionCode: string;
  readonly archPackages: string;
  readonly defaultPackages: readonly string[];
  readonly profiles: Readonly<Record<string, ProfileEntry>>;
  readonly imageBuilder: {
    /** Path below the upstream, without a leading slash. */
    readonly path: string;
    readonly sha256: string;
  };
  /** Packages of the target and its kernel modules: ABI-free name → version. */
  readonly packages: Readonly<Record<string, string>>;
  /** Digest of `packages`: equal digests mean an equal index. */
  readonly packagesDigest: string;
  /** Key id that signed `sha256sums`, or `unsigned` where the operator allowed that. */
  readonly signedBy: string;
  readonly fetchedAt: number;
  readonly checkedAt: number;
}

export interface ArchDocument {
  readonly kind: 'arch';
  readonly version: string;
  readonly arch: string;
  /** Name and digest of each feed's index, in upstream's order. */
  readonly feeds: readonly { readonly name: string; readonly sha256: string }[];
  /** Over all feeds: ABI-free name → version. */
  readonly packages: Readonly<Record<string, string>>;
  readonly packagesDigest: string;
  readonly fetchedAt: number;
  readonly checkedAt: number;
}

export type CatalogueDocument = VersionsDocument | TargetDocument | ArchDocument;

/** What reading the catalogue gives. `unknown`: upstream says there is no such thing. `unavailable`: it cannot be told now. */
export type Lookup<Document> =
  | { readonly state: 'found'; readonly document: Document }
  | { readonly state: 'unknown' }
  | { readonly state: 'unavailable'; readonly reason: string };

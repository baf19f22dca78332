/**
 * What the Catalogue compiles from an upstream mirror and the Workers read: one document with all versions, one per version,
 * two per (version, target), one per (version, arch). A check or a build request costs two of them at most, so each holds just
 * what those need, and what only a client wants to see of a device lies apart. All are plain JSON; `checkedAt` and
 * `fetchedAt` are milliseconds since 1970.
 */

/** KV keys of the documents. The upstream is part of the key: switching mirrors must not serve another's documents. */
export const catalogueKey = {
  versions: (upstream: string): string => `catalogue/${upstream}/versions`,
  target: (upstream: string, version: string, target: string): string =>
    `catalogue/${upstream}/target/${version}/${target}`,
  profiles: (upstream: string, version: string, target: string): string =>
    `catalogue/${upstream}/profiles/${version}/${target}`,
  arch: (upstream: string, version: string, arch: string): string => `catalogue/${upstream}/arch/${version}/${arch}`,
  models: (upstream: string, version: string): string => `catalogue/${upstream}/models/${version}`,
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

/** Which packages there are, of a target or of an architecture. */
export interface PackageList {
  /** ABI-free name → version. */
  readonly packages: Readonly<Record<string, string>>;
  /** Digest of `packages`: equal digests mean an equal index. */
  readonly packagesDigest: string;
  /** Names that are not in `packages` and can be asked for all the same: virtual ones, and those with an ABI. Sorted. */
  readonly provides: readonly string[];
  /** Every index of this list tells what its packages provide; only then a name in neither exists nowhere. */
  readonly providesKnown: boolean;
}

export interface TargetDocument extends PackageList {
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
  /** Digest of the index of its own packages (`target`), and of its kernel's modules (`kmods`) where they have one. */
  readonly feeds: readonly { readonly name: string; readonly sha256: string }[];
  /** Key id that signed `sha256sums`, or `unsigned` where the operator allowed that. */
  readonly signedBy: string;
  readonly fetchedAt: number;
  readonly checkedAt: number;
}

/** `profiles.json` as upstream wrote it, for clients that read it by profile. No build reads this. */
export interface ProfilesDocument {
  readonly kind: 'profiles';
  readonly version: string;
  readonly target: string;
  /** All of it but the profiles, with fields that we do not know. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly profiles: Readonly<Record<string, ProfileSource>>;
  readonly signedBy: string;
  readonly fetchedAt: number;
  readonly checkedAt: number;
}

export interface ProfileSource {
  readonly supportedDevices: readonly string[];
  /** Upstream's object as text: of 350 profiles one is wanted, and what stays text needs no parsing to be read from KV. */
  readonly json: string;
}

/** The packages of a target are those of its own directory and its kernel's modules; these are those of all feeds. */
export interface ArchDocument extends PackageList {
  readonly kind: 'arch';
  readonly version: string;
  readonly arch: string;
  /** Name and digest of each feed's index, in upstream's order. */
  readonly feeds: readonly { readonly name: string; readonly sha256: string }[];
  readonly fetchedAt: number;
  readonly checkedAt: number;
}

/** A name by which people know a device, and what it is called upstream. */
export interface ModelEntry {
  readonly model: string;
  readonly target: string;
  readonly profile: string;
}

/** All devices of a version, for a search over some forty targets at once. Unsigned: no build reads this. */
export interface ModelsDocument {
  readonly kind: 'models';
  readonly version: string;
  /** In the order of their names. */
  readonly models: readonly ModelEntry[];
  readonly fetchedAt: number;
  readonly checkedAt: number;
}

export type CatalogueDocument = VersionsDocument | TargetDocument | ProfilesDocument | ArchDocument | ModelsDocument;

/** What reading the catalogue gives. `unknown`: upstream says there is no such thing. `unavailable`: it cannot be told now. */
export type Lookup<Document> =
  | { readonly state: 'found'; readonly document: Document }
  | { readonly state: 'unknown' }
  | { readonly state: 'unavailable'; readonly reason: string };

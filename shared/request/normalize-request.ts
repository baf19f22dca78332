/**
 * From what a client asked to what is to be built: the real profile, the package set folded over its defaults, package
 * changes applied, everything that does not change the image gone. Two requests for one image are equal afterwards.
 */
import { BuildError, refuseField, unsupportedProfile } from '../build/build-error.ts';
import { hmacSha256Hex, utf8ToBytes } from '../crypto/digest.ts';
import type { Branch } from '../upstream/branch.ts';
import type { TargetDocument } from '../upstream/catalogue-document.ts';
import { type Distro, feedUrl, findDistro } from '../upstream/distro.ts';
import { applyPackageChanges, deviceAdditions } from '../upstream/package-changes.ts';
import { resolveProfile } from '../upstream/profile.ts';
import { type BuildRequest, selectedPackages } from './build-request.ts';
import { canonical } from './canonical.ts';
import { PROFILE_ID } from './grammar.ts';
import { foldPackages } from './package-set.ts';
import { isRepositoryAllowed } from './repository-allow-list.ts';

export interface NormalizedRequest {
  readonly distro: string;
  readonly version: string;
  readonly target: string;
  readonly profile: string;
  readonly addPackages: readonly string[];
  readonly removePackages: readonly string[];
  readonly rootfsSizeMb: number | null;
  readonly filesystem: string | null;
  /** Sorted by name; as `name url`, neither of which can hold a blank. */
  readonly repositories: readonly string[];
  readonly repositoriesMode: 'append' | 'replace';
  /** Sorted. */
  readonly repositoryKeys: readonly string[];
  /** HMAC of the first-boot script, empty without one. The text itself travels beside, sealed. */
  readonly defaultsMac: string;
}

export interface RequestPolicy {
  readonly distros: readonly Distro[];
  readonly allowDefaults: boolean;
  readonly maxDefaultsBytes: number;
  readonly maxRootfsSizeMb: number;
  readonly repositoryAllowList: readonly string[];
  /** Key of the HMAC over `defaults`, so that nobody can guess a password by its hash. */
  readonly defaultsKey: Uint8Array;
}

/**
 * The checks that need no catalogue: what this server allows.
 * @throws BuildError `bad_request` or `invalid_request`
 */
export function checkPolicy(request: BuildRequest, policy: RequestPolicy): void {
  const distro = distroOf(request, policy);
  if (request.defaults !== '') {
    if (!policy.allowDefaults) throw new BuildError('bad_request', 'Handling `defaults` not enabled on server');
    const sizeBytes = utf8ToBytes(request.defaults).length;
    if (sizeBytes > policy.maxDefaultsBytes)
      refuseField('defaults', `expected at most ${policy.maxDefaultsBytes} bytes, got ${sizeBytes}`);
  }
  if (request.rootfs_size_mb !== null && request.rootfs_size_mb > policy.maxRootfsSizeMb)
    refuseField('rootfs_size_mb', `expected at most ${policy.maxRootfsSizeMb} MiB, got ${request.rootfs_size_mb}`);
  for (const [name, url] of Object.entries(request.repositories)) {
    if (!isRepositoryAllowed(url, policy.repositoryAllowList))
      throw new BuildError('bad_request', `Repository not allowed: ${url}`);
    if (distro.feeds.some((feed) => feed.name === name))
      throw new BuildError('bad_request', `Repository not allowed: ${name} is the name of a feed of ${distro.name}`);
  }
}

function distroOf(request: BuildRequest, policy: RequestPolicy): Distro {
  const distro = findDistro(policy.distros, request.distro);
  if (!distro) throw new BuildError('unsupported', `Unsupported distro: ${request.distro}`);
  return distro;
}

/** @throws BuildError `unsupported` for a profile that the target does not have */
export function normalizeRequest(
  request: BuildRequest,
  branch: Branch,
  target: TargetDocument,
  policy: RequestPolicy,
): NormalizedRequest {
  const profileId = resolveProfile(request.profile, target.profiles);
  // The grammar again: the id now comes from upstream's data, and upstream's data reaches make as well.
  if (profileId === null || !PROFILE_ID.test(profileId))
    throw new BuildError('unsupported', unsupportedProfile(request.profile));
  const distro = distroOf(request, policy);
  const defaults = removableDefaults(target, profileId);
  const device = {
    branch: branch.name,
    version: request.version,
    target: request.target,
    profile: profileId,
    defaults,
  };
  const selected = applyPackageChanges(selectedPackages(request), branch);
  const asked = [
    ...selected,
    ...deviceAdditions(device),
    // As a name that the client wrote: so that a removal wins over it.
    ...distro.packages,
  ];
  // A list without a package counts as absent: "install nothing at all" is nobody's wish.
  const isWhole = request.diff_packages && selected.some((word) => !word.startsWith('-'));
  const spelling = isWhole ? 'absolute' : 'additional';
  const isForeign = Object.keys(request.repositories).length > 0;
  const place = { version: request.version, target: request.target, arch: target.archPackages };
  const { add, remove } = foldPackages(asked, defaults, spelling);
  return {
    distro: request.distro,
    version: request.version,
    target: request.target,
    profile: profileId,
    addPackages: add,
    removePackages: remove,
    rootfsSizeMb: request.rootfs_size_mb,
    filesystem: request.filesystem,
    repositories: [
      ...Object.entries(request.repositories).map(([name, url]) => `${name} ${url}`),
      ...distro.feeds.map((feed) => `${feed.name} ${feedUrl(feed, place)}`),
    ].sort(),
    repositoriesMode: isForeign ? request.repositories_mode : 'append',
    // Keys of no repository change nothing, and must not make a new identity each.
    repositoryKeys: [
      ...new Set([...(isForeign ? request.repository_keys : []), ...distro.feedKeys].map((key) => key.trim())),
    ].sort(),
    defaultsMac: request.defaults === '' ? '' : hmacSha256Hex(policy.defaultsKey, request.defaults),
  };
}

/** Upstream's defaults may themselves hold `-name` (a device that drops a default of its target). */
export function removableDefaults(target: TargetDocument, profileId: string): ReadonlySet<string> {
  const known = defaultsOf.get(target) ?? new Map<string, ReadonlySet<string>>();
  defaultsOf.set(target, known);
  const remembered = known.get(profileId);
  if (remembered) return remembered;
  const words = [...target.defaultPackages, ...(target.profiles[profileId]?.devicePackages ?? [])];
  const names = new Set(words.filter((word) => !word.startsWith('-')));
  for (const word of words) if (word.startsWith('-')) names.delete(word.slice(1));
  known.set(profileId, names);
  return names;
}

const defaultsOf = new WeakMap<TargetDocument, Map<string, ReadonlySet<string>>>();

export const isPrivate = (request: Pick<NormalizedRequest, 'defaultsMac'>): boolean => request.defaultsMac !== '';

/** The bytes that identity is made of. The order of fields is part of every hash ever given out: append, never reorder. */
export const canonicalRequest = (request: NormalizedRequest): string =>
  canonical([
    request.distro,
    request.version,
    request.target,
    request.profile,
    request.addPackages,
    request.removePackages,
    request.rootfsSizeMb,
    request.filesystem,
    request.repositories,
    request.repositoriesMode,
    request.repositoryKeys,
    request.defaultsMac,
  ]);

/**
 * An image that many have, as they will ask for it in another version. There are two ways to ask, and where upstream installs the
 * same packages as before they are one:
 *
 *   the whole list (owut, auc, LuCI)         what is installed now, by its later names; defaults that came since are not in it
 *   beside the defaults (firmware-selector)  what was chosen, by its later names, over the defaults of the new version
 *
 * Names are carried over by the table that clients are given (package-changes.ts), so by whichever of them asks.
 */
import type { BuildRequest } from '../request/build-request.ts';
import type { Branch } from '../upstream/branch.ts';
import { laterName } from '../upstream/package-changes.ts';
import type { WantedImage } from './wanted-image.ts';

/** `from`: the branch that it is of; null for one that is not known any more. The way that routers ask comes first. */
export function carriedRequests(image: WantedImage, from: Branch | null, version: string, to: Branch): BuildRequest[] {
  const since = from === null ? 0 : (from.branchOffRevision ?? Number.POSITIVE_INFINITY);
  const later = (names: readonly string[]): string[] => names.flatMap((name) => laterName(name, since, to) ?? []);
  const removed = new Set(image.removePackages);
  const whole = [...image.defaults.filter((name) => !removed.has(name)), ...image.addPackages];
  const beside = [...later(image.addPackages), ...later(image.removePackages).map((name) => `-${name}`)];
  return [
    requestOf(image, version, { packages: later(whole), diff_packages: true }),
    requestOf(image, version, { packages: beside, diff_packages: false }),
  ];
}

const requestOf = (
  { distro, target, profile, rootfsSizeMb, filesystem }: WantedImage,
  version: string,
  list: Pick<BuildRequest, 'packages' | 'diff_packages'>,
): BuildRequest => ({
  distro,
  version,
  version_code: '',
  target,
  profile,
  ...list,
  packages_versions: {},
  defaults: '',
  rootfs_size_mb: rootfsSizeMb,
  filesystem: filesystem as BuildRequest['filesystem'],
  repositories: {},
  repositories_mode: 'append',
  repository_keys: [],
  client: null,
});

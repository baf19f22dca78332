/**
 * To which versions a router may go from the one it runs, newest first. Never back: settings of a newer system are not read by an
 * older one, and a router that lost them is out of reach. A stable one is offered neither candidates nor snapshots.
 *
 *   release       ─▶ newer releases, up to the branch that upstream calls stable
 *   candidate     ─▶ the same, and newer candidates of its own branch
 *   snapshot      ─▶ releases of later branches; else itself, or the newest release where it is not offered, by revision
 */
import { type Branch, branchName, isSnapshot } from '../upstream/branch.ts';
import type { VersionEntry, VersionsDocument } from '../upstream/catalogue-document.ts';
import { compareVersions } from '../upstream/version-order.ts';

export interface Installed {
  readonly version: string;
  readonly target: string;
}

export interface Candidate {
  readonly version: string;
  /** Order does not tell whether it is newer; the revisions of both do. */
  readonly byRevision: boolean;
}

export interface UpgradePaths {
  /** Versions that have the router's target. To be read once; each is looked for when it is asked for, and mostly the first will do. */
  readonly candidates: Iterable<Candidate>;
  /** False: there is such a version only if one of the candidates turns out to be newer. */
  readonly isKnown: boolean;
}

/** @param branches all that are configured, those that are not offered as well */
export function upgradePaths(
  installed: Installed,
  versions: VersionsDocument,
  branches: readonly Branch[],
): UpgradePaths {
  const { version } = installed;
  const branch = branchName(version);
  if (branch === null) return { candidates: [], isKnown: isListed(versions, version) };
  return {
    candidates: isSnapshot(version) ? ofSnapshot(installed, branch, versions) : ofRelease(installed, branch, versions),
    isKnown:
      isListed(versions, version) || branchOf(branches, version)?.enabled === false || isOutdated(versions, version),
  };
}

/** Whether anything that is offered is for this target. */
export const hasTarget = ({ versions }: VersionsDocument, target: string): boolean =>
  versions.some((entry) => Object.hasOwn(entry.targets, target));

export const isListed = ({ versions }: VersionsDocument, version: string): boolean =>
  versions.some((entry) => entry.version === version);

/** Of those that are configured, the one that a version belongs to, be it offered or not. */
export const branchOf = (branches: readonly Branch[], version: string): Branch | undefined =>
  branches.find((branch) => branch.name === branchName(version));

/** Upstream takes old versions off its list, and routers run them on. */
function isOutdated({ versions }: VersionsDocument, version: string): boolean {
  const newest = versions.find((entry) => !isSnapshot(entry.version));
  return newest !== undefined && isNewer(newest.version, version);
}

const isNewer = (version: string, than: string): boolean => compareVersions(version, than) < 0;

const byOrder = ({ version }: VersionEntry): Candidate => ({ version, byRevision: false });
const byRevision = ({ version }: VersionEntry): Candidate => ({ version, byRevision: true });

function* ofRelease({ version, target }: Installed, branch: string, versions: VersionsDocument): Generator<Candidate> {
  const takesCandidates = version.includes('-rc');
  for (const entry of versions.versions)
    if (
      Object.hasOwn(entry.targets, target) &&
      (isStable(entry, branch, versions) || (takesCandidates && entry.branch === branch)) &&
      !isSnapshot(entry.version) &&
      isNewer(entry.version, version)
    )
      yield byOrder(entry);
}

function ofSnapshot({ version, target }: Installed, branch: string, versions: VersionsDocument): Candidate[] {
  const releases = versions.versions.filter(
    (entry) => Object.hasOwn(entry.targets, target) && isStable(entry, branch, versions),
  );
  const later = releases.filter((entry) => entry.branch > branch);
  const itself = versions.versions.find((entry) => entry.version === version && Object.hasOwn(entry.targets, target));
  const nearest = itself ?? releases.find((entry) => branch === 'SNAPSHOT' || entry.branch === branch);
  return [...later.map(byOrder), ...(nearest ? [byRevision(nearest)] : [])];
}

/**
 * A branch is out when upstream says so, be the images there before; and for a router that runs a version of it, it is. Names of
 * branches are four digits, so their texts are in their order; main's comes last.
 */
function isStable({ version, branch }: VersionEntry, own: string, versions: VersionsDocument): boolean {
  if (isSnapshot(version) || version.includes('-rc') || version === versions.upcomingVersion) return false;
  const stable = branchName(versions.stableVersion);
  return stable === null || branch <= stable || branch === own;
}

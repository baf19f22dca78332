/**
 * To which versions those go who have another one: what is built before they ask must be what they will ask for. Routers go to the
 * newest release of their branch, and when there is a new stable branch, to that; a snapshot's users to the same snapshot of today.
 */
import { branchName, isSnapshot } from '../upstream/branch.ts';
import { compareVersions } from '../upstream/version-order.ts';

/** `stable`: the version that upstream calls stable now, or an empty text. */
export function isNextVersion(from: string, to: string, stable: string): boolean {
  if (isSnapshot(from) || isSnapshot(to)) return from === to;
  const isNewer = compareVersions(to, from) < 0;
  // Nobody is offered a candidate who has a release.
  if (!isNewer || (isCandidate(to) && !isCandidate(from))) return false;
  const branch = branchName(to);
  return branch !== null && (branch === branchName(from) || branch === branchName(stable));
}

const isCandidate = (version: string): boolean => version.includes('-rc');

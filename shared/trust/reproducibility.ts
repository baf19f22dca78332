/**
 * Do two machines make the same bytes of the same inputs? Measured for each target in each branch, by whatever was built more
 * than once, because a quorum means nothing where honest nodes differ: it would either never be reached, or put the honest out.
 */
import { branchName } from '../upstream/branch.ts';
import type { TrustPolicy } from './policy.ts';

export interface Tally {
  /** Images that distinct operators made equal. */
  readonly agreed: number;
  /** Images that differed, and it is not known whose fault that is: it may be the target's. */
  readonly unexplained: number;
  /** Images that differed from those of others who were believed. */
  readonly explained: number;
}

export const NOTHING_MEASURED: Tally = { agreed: 0, unexplained: 0, explained: 0 };

/** A version of no branch is one of its own; so is a branch. */
export const branchOf = (version: string): string => branchName(version) ?? version;

/** An operator's word counts for measurements that were not made yet, never against one that was. */
export function isReproducible(version: string, target: string, tally: Tally, policy: TrustPolicy): boolean {
  if (tally.unexplained > 0) return false;
  if (tally.agreed >= policy.agreements) return true;
  return policy.reproducible.some((words) => {
    const [branch, of] = words.split(' ');
    return (branch === '*' || branch === branchOf(version)) && (of === '*' || of === target);
  });
}

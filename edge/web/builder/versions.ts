/** The versions that the server offers, as a reader chooses among them: newest first, snapshots apart. */
import type { Overview, OverviewBranch } from '../../../shared/api/catalogue-answers.ts';
import { isSnapshot } from '../../../shared/upstream/branch.ts';
import { compareVersions } from '../../../shared/upstream/version-order.ts';

export interface OfferedVersions {
  readonly releases: readonly string[];
  readonly snapshots: readonly string[];
  /** What is chosen for whoever chooses none; null: the server has no version at all. */
  readonly stable: string | null;
}

export function offeredVersions({ branches, latest }: Overview): OfferedVersions {
  const all = Object.values(branches)
    .flatMap(({ versions }) => versions)
    .sort(compareVersions);
  const releases = all.filter((version) => !isSnapshot(version));
  const stable = latest.find((version) => !version.includes('-rc')) ?? releases[0] ?? all[0] ?? null;
  return { releases, snapshots: all.filter(isSnapshot), stable };
}

export const branchOf = ({ branches }: Overview, version: string): OverviewBranch | null =>
  Object.values(branches).find(({ versions }) => versions.includes(version)) ?? null;

/** Where the files of a version are, on this server. */
export const jsonPath = ({ path }: OverviewBranch, version: string): string =>
  `/json/v1/${path.replace('{version}', version)}`;

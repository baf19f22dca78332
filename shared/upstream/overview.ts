/**
 * The overview that owut, LuCI and the firmware selector begin with: which versions there are, and what changed between
 * them. Clients carry a router's packages from one version to the next by `package_changes` and `branch_off_rev`.
 */
import type { Overview, OverviewBranch } from '../api/catalogue-answers.ts';
import { type Branch, branchPath } from './branch.ts';
import type { VersionsDocument } from './catalogue-document.ts';
import { PACKAGE_CHANGES } from './package-changes.ts';
import { compareVersions } from './version-order.ts';

export interface OverviewSettings {
  readonly serverVersion: string;
  readonly upstreamUrl: string;
  readonly contact: string;
  readonly branches: readonly Branch[];
  readonly allowDefaults: boolean;
  readonly repositoryAllowList: readonly string[];
  readonly maxRootfsSizeMb: number;
  readonly maxDefaultsBytes: number;
}

/** Upcoming, stable and oldstable, as far as upstream names them and this server offers them; first is newest. */
export function latestVersions(versions: VersionsDocument): readonly string[] {
  const offered = new Set(versions.versions.map((entry) => entry.version));
  const named = [versions.upcomingVersion, versions.stableVersion, versions.oldstableVersion];
  return [...new Set(named)].filter((version) => offered.has(version));
}

function overviewBranch(versions: VersionsDocument, branch: Branch): OverviewBranch {
  const entries = versions.versions
    .filter((entry) => entry.branch === branch.name)
    .sort((a, b) => compareVersions(a.version, b.version));
  // A target that the newest version dropped is still there in an older one; where both have it, the newest tells its arch.
  const targets = Object.assign({}, ...entries.map((entry) => entry.targets).reverse()) as Record<string, string>;
  return {
    name: branch.name,
    enabled: branch.enabled,
    snapshot: branch.snapshot,
    path: branchPath(branch),
    path_packages: 'DEPRECATED',
    branch_off_rev: branch.branchOffRevision,
    // What happened on main after the branch-off did not happen on the branch.
    package_changes: PACKAGE_CHANGES.filter(
      (change) => branch.branchOffRevision === null || change.revision <= branch.branchOffRevision,
    ),
    versions: entries.map((entry) => entry.version),
    targets: Object.fromEntries(Object.entries(targets).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

export function overviewDocument(versions: VersionsDocument, settings: OverviewSettings): Overview {
  return {
    latest: latestVersions(versions),
    branches: Object.fromEntries(
      settings.branches
        .filter((branch) => branch.enabled)
        .map((branch) => [branch.name, overviewBranch(versions, branch)] as const),
    ),
    upstream_url: settings.upstreamUrl,
    server: {
      version: settings.serverVersion,
      contact: settings.contact,
      allow_defaults: settings.allowDefaults,
      repository_allow_list: settings.repositoryAllowList,
      max_custom_rootfs_size_mb: settings.maxRootfsSizeMb,
      max_defaults_length: settings.maxDefaultsBytes,
    },
  };
}

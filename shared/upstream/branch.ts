/**
 * Versions, branches and where they lie on a mirror. A branch is the line a version belongs to (`24.10.2` → `24.10`);
 * `branchOffRevision` is main's revision when the line was cut, so that changes made on main can be placed before or after.
 */
export interface Branch {
  readonly name: string;
  readonly enabled: boolean;
  /** True where the branch itself may be asked for: `24.10-SNAPSHOT`, or `SNAPSHOT` for main. */
  readonly snapshot: boolean;
  /** Main's revision at the branch-off; null for main itself, which has every change. */
  readonly branchOffRevision: number | null;
}

/** Source: OpenWrt's version tags, as the peer's overview publishes them. */
export const OPENWRT_BRANCHES: readonly Branch[] = [
  { name: 'SNAPSHOT', enabled: true, snapshot: true, branchOffRevision: null },
  { name: '25.12', enabled: true, snapshot: true, branchOffRevision: 32295 },
  { name: '24.10', enabled: true, snapshot: true, branchOffRevision: 27990 },
  { name: '23.05', enabled: true, snapshot: true, branchOffRevision: 23069 },
  { name: '22.03', enabled: false, snapshot: false, branchOffRevision: 19160 },
  { name: '21.02', enabled: false, snapshot: false, branchOffRevision: 15812 },
];

/** `24.10.0-rc1` and `24.10-SNAPSHOT` belong to `24.10`; `SNAPSHOT` to itself; anything else to no branch. */
export function branchName(version: string): string | null {
  if (version === 'SNAPSHOT') return 'SNAPSHOT';
  return /^(\d{2}\.\d{2})(?:\.\d+(?:-rc\d+)?|-SNAPSHOT)$/.exec(version)?.[1] ?? null;
}

export function findBranch(branches: readonly Branch[], version: string): Branch | null {
  const name = branchName(version);
  return branches.find((branch) => branch.name === name && branch.enabled) ?? null;
}

export const isSnapshot = (version: string): boolean => version === 'SNAPSHOT' || version.endsWith('-SNAPSHOT');

/** Directory of a version on a mirror, without slashes at its ends. */
export const versionPath = (version: string): string => (version === 'SNAPSHOT' ? 'snapshots' : `releases/${version}`);

/** The same for a whole branch, as the overview gives it to clients: they put the version in. */
export const branchPath = (branch: Branch): string => (branch.name === 'SNAPSHOT' ? 'snapshots' : 'releases/{version}');

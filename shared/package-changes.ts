/**
 * What happened to packages between versions, as data. Clients get the table in the overview and carry their own lists over;
 * the server applies only what no client can know better: the mandatory rows, language packs, and packages that upstream
 * forgot in a device's defaults. A row more is a line more here, never an `if`.
 */
import type { Branch } from './branch.ts';

export interface PackageChange {
  readonly source: string;
  /** Absent: the package is gone. */
  readonly target?: string;
  /** Main's revision in which it happened. */
  readonly revision: number;
  readonly mandatory?: true;
}

/** Source: the peer's `package_changes.json`, which follows OpenWrt's release notes. */
export const PACKAGE_CHANGES: readonly PackageChange[] = [
  { source: 'firewall', target: 'firewall4', revision: 18611 },
  { source: 'kmod-nft-nat6', revision: 20282, mandatory: true },
  { source: 'libustream-wolfssl', target: 'libustream-mbedtls', revision: 21994 },
  { source: 'px5g-wolfssl', target: 'px5g-mbedtls', revision: 21994 },
  { source: 'wpad-basic-wolfssl', target: 'wpad-basic-mbedtls', revision: 21994 },
  { source: 'luci-app-diag-core', revision: 25984, mandatory: true },
  { source: 'auc', target: 'owut', revision: 26792 },
  { source: 'luci-app-opkg', target: 'luci-app-package-manager', revision: 27897 },
  { source: 'opkg', target: 'apk-mbedtls', revision: 28056 },
];

const MANDATORY: ReadonlyMap<string, PackageChange> = new Map(
  PACKAGE_CHANGES.filter((change) => change.mandatory).map((change) => [change.source, change]),
);

/** Language packs live on under another name (or not at all), whatever the language. */
const LANGUAGE_PACKS: readonly { pattern: RegExp; target: string | null; revision: number }[] = [
  // First, since there is no English pack under a new name either: English is in the application itself.
  { pattern: /^luci-i18n-.+-en$/, target: null, revision: 0 },
  { pattern: /^luci-i18n-opkg-(.+)$/, target: 'luci-i18n-package-manager-$1', revision: 27897 },
];

interface DeviceAddition {
  readonly branch: string;
  /** `target/subtarget`. */
  readonly target: string;
  readonly profiles?: readonly string[];
  readonly add: readonly string[];
}

/** Source: the peer's per-device rules; each is a default that an older image of the device did not need. */
const DEVICE_ADDITIONS: readonly DeviceAddition[] = [
  { branch: '23.05', target: 'mediatek/mt7622', add: ['kmod-mt7622-firmware'] },
  { branch: '24.10', target: 'mediatek/filogic', add: ['fitblk'] },
  { branch: '24.10', target: 'mediatek/mt7622', add: ['fitblk'] },
  { branch: '24.10', target: 'mediatek/mt7623', add: ['fitblk'] },
  { branch: '25.12', target: 'ath79/mikrotik', add: ['kmod-ag71xx-legacy'] },
];

const happenedBefore = (revision: number, branch: Branch): boolean =>
  branch.branchOffRevision === null || branch.branchOffRevision >= revision;

/** Applies the table to a selection as asked (`name`, `+name` or `-name`); order is kept, duplicates may appear. */
export function applyPackageChanges(asked: readonly string[], branch: Branch): string[] {
  const words: string[] = [];
  for (const word of asked) {
    const sign = word.startsWith('-') || word.startsWith('+') ? word.charAt(0) : '';
    const name = sign ? word.slice(1) : word;
    const changed = changedName(name, branch);
    if (changed !== null) words.push(changed === name ? word : sign + changed);
  }
  return words;
}

/** The package's name on the branch; null: it is gone. Asked for every word of every request, so most leave early. */
function changedName(name: string, branch: Branch): string | null {
  const mandatory = MANDATORY.get(name);
  if (mandatory && happenedBefore(mandatory.revision, branch)) return mandatory.target ?? null;
  if (!name.startsWith('luci-i18n-')) return name;
  const pack = LANGUAGE_PACKS.find((row) => row.pattern.test(name) && happenedBefore(row.revision, branch));
  return !pack ? name : pack.target === null ? null : name.replace(pack.pattern, pack.target);
}

/** Packages that a device needs on a branch beside upstream's own defaults. */
export const deviceAdditions = (branch: string, target: string, profile: string): readonly string[] =>
  DEVICE_ADDITIONS.filter(
    (row) => row.branch === branch && row.target === target && (row.profiles?.includes(profile) ?? true),
  ).flatMap((row) => row.add);

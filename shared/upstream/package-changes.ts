/**
 * What happened to packages between versions, as data. Clients get the table in the overview and carry their own lists over;
 * the server applies only where nothing else can be right: the mandatory rows, renames that leave no package of the old
 * name, language packs, and what a device needs since its driver became a package. A row more is a line more, never an `if`.
 */
import type { Branch } from './branch.ts';
import { compareVersions } from './version-order.ts';

export interface PackageChange {
  readonly source: string;
  /** Absent: the package is gone. */
  readonly target?: string;
  /** Main's revision in which it happened. */
  readonly revision: number;
  readonly mandatory?: true;
}

/** Renames after which the old name exists nowhere: a client that does not know them would ask for what cannot be had. */
const GONE: readonly string[] = ['auc', 'luci-app-opkg'];

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

const APPLIED: ReadonlyMap<string, PackageChange> = new Map(
  PACKAGE_CHANGES.filter((change) => change.mandatory || GONE.includes(change.source)).map((change) => [
    change.source,
    change,
  ]),
);

const OPTIONAL: ReadonlyMap<string, PackageChange> = new Map(
  PACKAGE_CHANGES.filter(({ source }) => !APPLIED.has(source)).map((change) => [change.source, change]),
);

/** Language packs live on under another name (or not at all), whatever the language. */
const LANGUAGE_PACKS: readonly { pattern: RegExp; target: string | null; revision: number }[] = [
  // First, since there is no English pack under a new name either: English is in the application itself.
  { pattern: /^luci-i18n-.+-en$/, target: null, revision: 0 },
  { pattern: /^luci-i18n-opkg-/, target: 'luci-i18n-package-manager-', revision: 27897 },
];

interface DeviceAddition {
  readonly branch: string;
  /** First version of the branch that has the packages; absent: its first. */
  readonly since?: string;
  /** `target/subtarget`; absent: wherever upstream lists one of the packages among a device's own. */
  readonly target?: string;
  readonly profiles?: readonly string[];
  readonly add: readonly string[];
}

/**
 * What an older image of the device did not need, so that a client which sends its whole old list would lose it, and the
 * network with it. Source: the peer's per-device rules and the pull requests that brought them.
 */
const DEVICE_ADDITIONS: readonly DeviceAddition[] = [
  { branch: '23.05', target: 'mediatek/mt7622', add: ['kmod-mt7622-firmware'] },
  {
    branch: '23.05',
    target: 'ath79/generic',
    profiles: [
      'buffalo_wzr-hp-g300nh-s',
      'dlink_dir-825-b1',
      'netgear_wndr3700',
      'netgear_wndr3700-v2',
      'netgear_wndr3800',
      'netgear_wndr3800ch',
      'netgear_wndrmac-v1',
      'netgear_wndrmac-v2',
      'trendnet_tew-673gru',
    ],
    add: ['kmod-switch-rtl8366s'],
  },
  {
    branch: '23.05',
    target: 'ath79/generic',
    profiles: ['buffalo_wzr-hp-g300nh-rb'],
    add: ['kmod-switch-rtl8366rb'],
  },
  { branch: '24.10', target: 'mediatek/filogic', add: ['fitblk'] },
  { branch: '24.10', target: 'mediatek/mt7622', add: ['fitblk'] },
  { branch: '24.10', target: 'mediatek/mt7623', add: ['fitblk'] },
  { branch: '25.12', since: '25.12.5', target: 'ath79/mikrotik', add: ['kmod-ag71xx-legacy'] },
  { branch: '25.12', target: 'lantiq/xrx200', add: ['kmod-dsa-gswip'] },
  // In the kernel until 24.10, then a module, listed by each device that has such a switch.
  { branch: '25.12', add: ['kmod-dsa-mv88e6xxx'] },
];

const happenedBefore = (revision: number, branch: Branch): boolean =>
  branch.branchOffRevision === null || branch.branchOffRevision >= revision;

/** Applies the table to a selection as asked (`name`, `+name` or `-name`); order is kept, duplicates may appear. */
export function applyPackageChanges(asked: readonly string[], branch: Branch): string[] {
  const words: string[] = [];
  // A client that does not want the old one may well want its successor, and has said so.
  const isAskedFor = (name: string): boolean => asked.includes(name) || asked.includes(`+${name}`);
  for (const word of asked) {
    const sign = word.startsWith('-') || word.startsWith('+') ? word.charAt(0) : '';
    const name = sign ? word.slice(1) : word;
    const changed = changedName(name, branch);
    if (changed === null || (changed !== name && sign === '-' && isAskedFor(changed))) continue;
    words.push(sign + changed);
  }
  return words;
}

/** The package's name on the branch; null: it is gone. Asked for every word of every request, so most leave early. */
function changedName(name: string, branch: Branch): string | null {
  const change = APPLIED.get(name);
  if (change && happenedBefore(change.revision, branch)) return change.target ?? null;
  if (!name.startsWith('luci-i18n-')) return name;
  const pack = laterPack(name, (revision) => happenedBefore(revision, branch));
  return pack === undefined ? name : pack;
}

/** Null: it is gone; undefined: nothing that has happened changes it. */
function laterPack(name: string, hasHappened: (revision: number) => boolean): string | null | undefined {
  const row = LANGUAGE_PACKS.find(({ pattern, revision }) => pattern.test(name) && hasHappened(revision));
  if (row === undefined) return undefined;
  return row.target === null ? null : name.replace(row.pattern, row.target);
}

/** What becomes of a language pack whose name changes, once all has happened; null: it is gone; undefined: nothing changes. */
export const latestPack = (name: string): string | null | undefined => laterPack(name, () => true);

/** False: neither `applyPackageChanges` nor `laterName` ever makes another name of it, whatever the branch. */
export const mayBeRenamed = (name: string): boolean =>
  APPLIED.has(name) || OPTIONAL.has(name) || LANGUAGE_PACKS.some(({ pattern }) => pattern.test(name));

/**
 * The name on the branch of what is installed in a version that stands for `since` revisions of main; null: it is gone. For
 * clients that cannot carry their list over themselves: also what is optional counts, where it happened in between.
 */
export function laterName(name: string, since: number, branch: Branch): string | null {
  const change = OPTIONAL.get(name);
  if (change === undefined) return changedName(name, branch);
  return change.revision > since && happenedBefore(change.revision, branch) ? (change.target ?? null) : name;
}

export interface Device {
  readonly branch: string;
  readonly version: string;
  readonly target: string;
  readonly profile: string;
  /** What upstream installs on it anyway. */
  readonly defaults: ReadonlySet<string>;
}

/** Packages that a device needs whatever list its old image had. */
export const deviceAdditions = (device: Device): readonly string[] =>
  DEVICE_ADDITIONS.filter(
    (row) =>
      row.branch === device.branch &&
      (row.since === undefined || compareVersions(row.since, device.version) >= 0) &&
      (row.target === undefined ? row.add.some((name) => device.defaults.has(name)) : row.target === device.target) &&
      (row.profiles?.includes(device.profile) ?? true),
  ).flatMap((row) => row.add);

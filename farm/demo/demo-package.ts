/**
 * A row of the packages table made concrete for one release and architecture: ABI suffixes applied, versions chosen,
 * dependencies spelled as the release's package manager spells them. What the indexes say and what the package files
 * hold both come from here, so they cannot disagree (but for the one row that is meant to).
 */
import { createHash } from 'node:crypto';
import type { MirrorState } from './mirror-state.ts';
import { type FeedName, type PackageRow, packagesTable } from './packages-table.ts';
import type { ReleaseRow, TargetRow } from './releases-table.ts';

export type DemoPackage = {
  /** With ABI suffix. */
  readonly name: string;
  readonly abi: string;
  readonly version: string;
  readonly feed: FeedName;
  readonly arch: string;
  readonly depends: readonly string[];
  readonly provides: readonly string[];
  readonly conflicts: readonly string[];
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  readonly postinst: string | undefined;
  readonly corrupt: boolean;
};

export type Revision = { readonly code: string; readonly number: number };

/** `rNNNNN-xxxxxxxxxx` of a release now. */
export function revisionOf(release: ReleaseRow, state: MirrorState): Revision {
  const number = release.revision + (release.version === 'SNAPSHOT' ? state.snapshotMoves : 0);
  const commit = createHash('sha256').update(`${release.version} ${number}`).digest('hex').slice(0, 10);
  return { code: `r${number}-${commit}`, number };
}

/** The kernel's identity: modules fit only the one with the same vermagic. */
export function linuxKernelOf(release: ReleaseRow, target: TargetRow) {
  const vermagic = createHash('md5').update(`${release.kernel} ${target.target}`).digest('hex');
  return { release: '1', vermagic, version: release.kernel };
}

/** Every package of one release and target, in the table's order; `kmods` belong to the target like `core`. */
export function demoPackages(release: ReleaseRow, target: TargetRow, state: MirrorState): readonly DemoPackage[] {
  return Object.entries(packagesTable).flatMap(([feed, rows]) =>
    Object.entries(rows)
      .filter(([, row]) => (row.onlyEra ?? release.era) === release.era)
      .filter(([, row]) => (row.onlyTarget ?? target.target) === target.target)
      .map(([name, row]) => concrete(name, row, feed as FeedName, { release, target, state })),
  );
}

type Place = { readonly release: ReleaseRow; readonly target: TargetRow; readonly state: MirrorState };

function concrete(plainName: string, row: PackageRow, feed: FeedName, place: Place): DemoPackage {
  const { release, target, state } = place;
  const abi = abiOf(row, release);
  const version = versionOf(plainName, row, place);
  const updates = state.packageUpdates[`${release.version}/${target.arch}/${plainName}`] ?? 0;
  const name = plainName + abi;
  const updated = bump(version, updates);
  return {
    name,
    abi,
    version: updated,
    feed,
    arch: target.arch,
    depends: dependsOf(plainName, row, place),
    provides: providesOf(plainName, row, abi, updated, release),
    conflicts: release.era === 'opkg' ? (row.conflicts ?? []) : [],
    files: filesOf(plainName, row, updated, place),
    postinst: row.postinst,
    corrupt: row.corrupt ?? false,
  };
}

/** The word of the release's column, or the last there is. */
function column(words: string, release: ReleaseRow): string {
  const all = words.split(' ');
  return all[release.column] ?? all.at(-1) ?? '';
}

function abiOf(row: PackageRow, release: ReleaseRow): string {
  return row.abi === undefined ? '' : column(row.abi, release);
}

function versionOf(plainName: string, row: PackageRow, { release, target, state }: Place): string {
  const { release: kernelRelease, vermagic, version } = linuxKernelOf(release, target);
  const revision = revisionOf(release, state);
  const special: Record<string, string> = {
    '@kernel': `${version}~${vermagic}-r${kernelRelease}`,
    '@kmod': `${version}-r${kernelRelease}`,
    '@revision': `${revision.number}~${revision.code.split('-')[1]}`,
  };
  const chosen = special[row.version] ?? column(row.version, release);
  if (chosen.startsWith('@')) throw new Error(`expected a version for ${plainName}, got ${chosen}`);
  return chosen;
}

/** `1.0-r1` becomes `1.0-r2`; a version without release number has its last number counted up. */
function bump(version: string, times: number): string {
  if (times === 0) return version;
  if (/-r\d+$/.test(version)) return version.replace(/\d+$/, (release) => String(Number(release) + times));
  return `${version}.${times}`;
}

function dependsOf(plainName: string, row: PackageRow, place: Place): string[] {
  const { release, target } = place;
  const own = (row.depends ?? []).map((name) => {
    const needed = Object.values(packagesTable).find((rows) => name in rows)?.[name];
    return needed === undefined ? name : name + abiOf(needed, release);
  });
  const implicit = ['libc', 'libgcc', 'kernel'].includes(plainName) || plainName.startsWith('kmod-') ? [] : ['libc'];
  if (!plainName.startsWith('kmod-')) return [...implicit, ...own];
  const { release: kernelRelease, vermagic, version } = linuxKernelOf(release, target);
  const kernel = `${version}~${vermagic}-r${kernelRelease}`;
  return [release.era === 'opkg' ? `kernel (= ${kernel})` : `kernel=${kernel}`, ...own];
}

/** A versioned name takes one provider in apk; opkg's indexes here name both kinds alike. */
function providesOf(name: string, row: PackageRow, abi: string, version: string, release: ReleaseRow): string[] {
  const exclusive = (row.replaces ?? []).map((virtual) => (release.era === 'apk' ? `${virtual}=${version}` : virtual));
  return [...(abi === '' ? [] : [name]), ...(row.provides ?? []), ...exclusive];
}

function filesOf(plainName: string, row: PackageRow, version: string, { release, target, state }: Place) {
  const stem = `${plainName} ${version} ${target.arch}\n`;
  const files: Record<string, Uint8Array | string> = { [ownFile(plainName, release)]: stem, ...row.files };
  if (plainName === 'base-files') Object.assign(files, feedListFile(release, target, state));
  if (row.fillerBytes !== undefined) files[`usr/share/${plainName}/data.bin`] = filler(row.fillerBytes, plainName);
  return files;
}

function ownFile(plainName: string, release: ReleaseRow): string {
  if (plainName.startsWith('kmod-')) return `lib/modules/${release.kernel}/${plainName.slice('kmod-'.length)}.ko`;
  if (plainName.startsWith('lib')) return `usr/lib/${plainName}.so`;
  if (plainName.startsWith('luci')) return `usr/lib/lua/luci/${plainName}.lua`;
  return `usr/lib/demo/${plainName}`;
}

/** The feeds a device would use; the opkg-era ImageBuilder trips over them (see its `list-installed`). */
function feedListFile(release: ReleaseRow, target: TargetRow, state: MirrorState): Record<string, string> {
  const lines = feedUrls(release, target, state.repositoryUrl).map(({ name, url }) =>
    release.era === 'opkg' ? `src/gz ${name} ${url}\n` : `${url}/packages.adb\n`,
  );
  const path = release.era === 'opkg' ? 'etc/opkg/distfeeds.conf' : 'etc/apk/repositories.d/distfeeds.list';
  return { [path]: lines.join('') };
}

/** Feed names and URLs in the order of OpenWrt's own repositories.conf. */
export function feedUrls(release: ReleaseRow, target: TargetRow, mirrorUrl: string) {
  const root = `${mirrorUrl}/${release.path}`;
  return (['core', 'base', 'kmods', 'luci', 'packages', 'routing', 'telephony'] as const).map((feed) => ({
    name: `openwrt_${feed}`,
    url: `${root}/${feedPath(feed, release, target)}`,
  }));
}

/** Where a feed lies below the release. */
export function feedPath(feed: FeedName, release: ReleaseRow, target: TargetRow): string {
  if (feed === 'core') return `targets/${target.target}/packages`;
  if (feed !== 'kmods') return `packages/${target.arch}/${feed}`;
  const { release: kernelRelease, vermagic, version } = linuxKernelOf(release, target);
  return `targets/${target.target}/kmods/${version}-${kernelRelease}-${vermagic}`;
}

const fillers = new Map<string, Uint8Array>();

function filler(sizeBytes: number, name: string): Uint8Array {
  const key = `${name} ${sizeBytes}`;
  const bytes = fillers.get(key) ?? createHash('shake256', { outputLength: sizeBytes }).update(name).digest();
  fillers.set(key, bytes);
  return bytes;
}

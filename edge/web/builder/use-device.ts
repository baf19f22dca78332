/** All that is known of the device that was chosen: its name, what is on it anyway, and what could be. */
import { useMemo } from 'preact/hooks';
import type {
  DeviceProfile,
  Devices,
  Overview,
  PackageVersions,
  TargetIndex,
} from '../../../shared/api/catalogue-answers.ts';
import { FILESYSTEMS } from '../../../shared/request/grammar.ts';
import { type Asked, useAsked } from '../api/use-asked.ts';
import type { Device, FileSystem } from '../choice.ts';
import { deviceName } from './devices.ts';
import { defaultNames, type PackageLists } from './package-notes.ts';
import type { Named } from './search.ts';
import { branchOf, jsonPath } from './versions.ts';

export interface PackageRow extends Named {
  readonly version: string;
}

export interface KnownDevice {
  readonly chosen: Device | null;
  readonly devices: Asked<Devices>;
  /** Null: none is chosen, or it is not known yet whether the version has it. */
  readonly isThere: boolean | null;
  /** For people; the profile's name where there is no other. */
  readonly name: string | null;
  readonly defaults: readonly string[];
  readonly lists: PackageLists;
  /** All that can be added, in the order of names. */
  readonly packages: readonly PackageRow[];
  readonly packagesState: Asked<unknown>['state'];
  /** More than one: there is a choice. */
  readonly fileSystems: readonly FileSystem[];
}

export function useDevice(overview: Overview, version: string, chosen: Device | null): KnownDevice {
  const branch = branchOf(overview, version);
  const base = branch && jsonPath(branch, version);
  const target = base && chosen && `${base}/targets/${chosen.target}`;
  const [devices] = useAsked<Devices>(base && `${base}/devices.json`);
  const [profile] = useAsked<DeviceProfile>(target && `${target}/${chosen?.profile}.json`);
  const [ofTarget] = useAsked<TargetIndex>(target && `${target}/index.json`);
  const arch = ofTarget.state === 'ready' ? ofTarget.body.architecture : null;
  const [ofArch] = useAsked<PackageVersions>(base && arch && `${base}/packages/${encodeURIComponent(arch)}-index.json`);

  const targetPackages = ofTarget.state === 'ready' ? ofTarget.body.packages : null;
  const archPackages = ofArch.state === 'ready' ? ofArch.body : null;
  const packages = useMemo(() => packageRows(targetPackages, archPackages), [targetPackages, archPackages]);
  const facts = profile.state === 'ready' ? profile.body : null;
  const defaults = useMemo(() => defaultNames(facts?.default_packages ?? [], facts?.device_packages ?? []), [facts]);
  const lists = useMemo(
    () => ({
      defaults: facts?.id === undefined ? null : new Set(defaults),
      versions: packages.length > 0 ? new Map(packages.map((row) => [row.text, row.version])) : null,
      changes: branch?.package_changes ?? [],
    }),
    [facts, defaults, packages, branch],
  );
  return {
    chosen,
    devices,
    isThere: chosen === null ? null : isThere(profile),
    name: chosen && ((devices.state === 'ready' && deviceName(devices.body, chosen)) || chosen.profile),
    defaults,
    lists,
    packages,
    packagesState: ofTarget.state === 'ready' ? ofArch.state : ofTarget.state,
    fileSystems: FILESYSTEMS.filter((name) => facts?.images?.some(({ filesystem }) => filesystem === name)),
  };
}

/** A profile that the target does not have is an empty object; a target that the version does not have is 404. */
function isThere(profile: Asked<DeviceProfile>): boolean | null {
  if (profile.state === 'ready') return profile.body.id !== undefined;
  return profile.state === 'failed' && profile.error.status === 404 ? false : null;
}

/** What the target has itself counts before what its architecture has. */
function packageRows(target: TargetIndex['packages'] | null, arch: PackageVersions | null): readonly PackageRow[] {
  if (!target || !arch) return [];
  return Object.entries({ ...arch, ...target })
    .map(([text, version]) => ({ text, version }))
    .sort((one, other) => (one.text < other.text ? -1 : 1));
}

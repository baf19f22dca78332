/**
 * What owut finds out before it asks for an image: which version to go to, what upstream says of the device, and which
 * packages in which versions the server could build. All of it decides whether there is a request at all.
 */
import { ClientFailure } from './client-failure.ts';
import { type JsonObject, list, number, object, parsed, text, textByName, texts } from './json-field.ts';
import { branchOf, type Change, changeBetween, compareReleases } from './owut-version.ts';
import type { RouterState } from './router-state.ts';
import type { Uclient } from './uclient.ts';

export interface PlanOptions {
  /** A version or a branch; without it the newest of the branch that is installed. */
  readonly versionTo?: string;
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
  readonly filesystem?: string;
}

export interface PlannedPackage {
  readonly installed?: string;
  readonly available?: string;
  readonly topLevel: boolean;
}

export interface UpgradePlan {
  readonly version: string;
  readonly revision: string;
  /** Real id, found in upstream's profiles. */
  readonly profile: string;
  readonly filesystem: string;
  /** `sysupgrade`, `combined`, … */
  readonly imageType: string;
  readonly packages: ReadonlyMap<string, PlannedPackage>;
  readonly replaced: Readonly<Record<string, string | undefined>>;
  readonly maxRootfsSizeMb: number;
  readonly maxDefaultsLength: number;
}

/** Not in every index, and never compared. */
export const NOT_UPGRADABLE: readonly string[] = ['kernel', 'libgcc', 'libc'];
/** Withdrawn by OpenWrt. */
const BAD_RELEASES: readonly string[] = ['23.05.1'];

export async function planUpgrade(
  wire: Uclient,
  server: string,
  router: RouterState,
  options: PlanOptions,
): Promise<UpgradePlan> {
  const overview = object(await json(wire, `${server}/json/v1/overview.json`), 'overview');
  const branches = object(overview.branches, 'branches');
  const version = chosenVersion(branches, router.version, options.versionTo);
  const branch = object(branches[branchOf(version)], `branches.${branchOf(version)}`);
  const directory = text(branch.path, 'path').replace('{version}', version);
  const upstream = `${text(overview.upstream_url, 'upstream_url')}/${directory}`;

  const platform = object(await json(wire, `${upstream}/targets/${router.target}/profiles.json`), 'profiles.json');
  const { profile, device } = deviceOf(platform, router.boardName);
  const revision = text(platform.version_code, 'version_code');
  const { filesystem, imageType } = imageKind(device, options.filesystem ?? router.rootfsType);

  const arch = text(platform.arch_packages, 'arch_packages');
  const files = `${server}/json/v1/${directory}`;
  const ofArch = textByName(await json(wire, `${files}/packages/${arch}-index.json`), 'arch index');
  const target = object(await json(wire, `${files}/targets/${router.target}/index.json`), 'target index');
  const available = { ...ofArch, ...textByName(target.packages, 'target index packages') };

  const { packages, replaced } = plannedPackages(router, available, branch, revisionNumber(revision), options);
  const limits = object(overview.server, 'server');
  await wire.get(`${upstream.replace(directory, faillogs(version))}/${arch}/`);
  return {
    version,
    revision,
    profile,
    filesystem,
    imageType,
    packages,
    replaced,
    maxRootfsSizeMb: number(limits.max_custom_rootfs_size_mb, 'max_custom_rootfs_size_mb'),
    maxDefaultsLength: number(limits.max_defaults_length, 'max_defaults_length'),
  };
}

/** Of what is installed and planned; a top-level package that is missing stops the upgrade. */
export function changesOf(plan: UpgradePlan): ReadonlyMap<string, Change> {
  const changes = new Map<string, Change>();
  for (const [name, { installed, available }] of plan.packages) {
    if (NOT_UPGRADABLE.includes(name) || installed === available) continue;
    const change = changeBetween(installed, available);
    if (change !== 'same') changes.set(name, change);
  }
  return changes;
}

async function json(wire: Uclient, url: string): Promise<unknown> {
  const answer = await wire.get(url);
  if (answer.status !== 200) throw new ClientFailure('shown', `status ${answer.status} for ${url}`);
  return parsed(answer.body.toString().trim(), url);
}

function chosenVersion(branches: JsonObject, installed: string, asked: string | undefined): string {
  const offered = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(branches)) {
    const branch = object(value, name);
    if ('enabled' in branch && !branch.enabled) continue;
    if (Object.keys(object(branch.targets, `${name}.targets`)).length === 0) continue;
    const versions = texts(branch.versions, `${name}.versions`).filter((version) => !BAD_RELEASES.includes(version));
    offered.set(name, versions.toSorted(compareReleases));
  }
  const newest = (branch: string) =>
    offered
      .get(branch)
      ?.filter((version) => !version.includes('-SNAPSHOT'))
      .at(-1);
  const stays = installed.includes('SNAPSHOT') ? installed : newest(branchOf(installed));
  const version = asked === undefined ? stays : offered.has(asked) ? newest(asked) : asked;
  if (version === undefined || !offered.get(branchOf(version))?.includes(version))
    throw new ClientFailure('shown', `version ${version ?? installed} is not available`);
  return version;
}

/** By its name with `_` for `,`, else by what the profile says it supports, else as the only PC that there is. */
function deviceOf(platform: JsonObject, boardName: string): { profile: string; device: JsonObject } {
  const profiles = object(platform.profiles, 'profiles');
  const supports = ([name, value]: [string, unknown]) =>
    texts(object(value, name).supported_devices, 'supported_devices').includes(boardName);
  const spelled = boardName.replace(',', '_');
  const profile = Object.hasOwn(profiles, spelled)
    ? spelled
    : (Object.entries(profiles).find(supports)?.[0] ?? (Object.hasOwn(profiles, 'generic') ? 'generic' : undefined));
  if (profile === undefined) throw new ClientFailure('shown', `no profile for ${boardName}`);
  return { profile, device: object(profiles[profile], profile) };
}

function imageKind(device: JsonObject, filesystem: string): { filesystem: string; imageType: string } {
  const types = list(device.images, 'images')
    .map((image) => object(image, 'image'))
    .filter((image) => image.filesystem === filesystem && !text(image.type, 'type').includes('factory'))
    .map((image) => text(image.type, 'type'));
  const imageType = types.includes('sysupgrade') ? 'sysupgrade' : types.length === 1 ? types[0] : undefined;
  // A PC has several; owut knows the real ones by their target, and the demo's by this.
  const chosen = imageType ?? types.find((type) => type === 'combined');
  if (chosen === undefined) throw new ClientFailure('shown', `no ${filesystem} image to upgrade with`);
  return { filesystem, imageType: chosen };
}

function plannedPackages(
  router: RouterState,
  available: Readonly<Record<string, string>>,
  branch: JsonObject,
  revision: number,
  { add = [], remove = [] }: PlanOptions,
): Pick<UpgradePlan, 'packages' | 'replaced'> {
  const planned = (name: string, topLevel: boolean, installed?: string): [string, PlannedPackage] => {
    const version = Object.hasOwn(available, name) ? available[name] : undefined;
    return [name, { topLevel, ...(installed && { installed }), ...(version && { available: version }) }];
  };
  const topLevel = new Set(router.topLevel);
  const packages = new Map(
    Object.entries(router.installed).map(([name, version]) => planned(name, topLevel.has(name), version)),
  );
  const replaced: Record<string, string | undefined> = {};
  for (const item of list(branch.package_changes, 'package_changes')) {
    const change = object(item, 'package change');
    const source = text(change.source, 'source');
    if (number(change.revision, 'revision') > revision || !packages.has(source)) continue;
    const target = typeof change.target === 'string' && change.target !== '' ? change.target : undefined;
    replaced[source] = target;
    packages.delete(source);
    if (target !== undefined && !packages.has(target)) packages.set(...planned(target, true));
  }
  for (const name of remove) if (!packages.delete(name)) throw new ClientFailure('shown', `${name} is not installed`);
  for (const name of add) {
    const known = packages.get(name);
    if (!known && !Object.hasOwn(available, name)) throw new ClientFailure('shown', `${name} is not available`);
    packages.set(...planned(name, true, known?.installed));
  }
  return { packages, replaced };
}

const revisionNumber = (code: string): number => Number(/^r(\d+)-[0-9a-f]+$/i.exec(code)?.[1] ?? 0);

const faillogs = (version: string): string =>
  version === 'SNAPSHOT' ? 'snapshots/faillogs' : `releases/faillogs-${branchOf(version)}`;

/**
 * `.versions.json` and `.targets.json` of a mirror: what there is at all. Everything that is fetched later is fetched by a
 * name from here, so a name that is not exactly a version, a target or an architecture ends here: it would be a path.
 */
import { TARGET } from '../request/grammar.ts';
import { parseJsonObject } from '../text/json-object.ts';
import { type Branch, branchName, isSnapshot } from './branch.ts';
import { compareVersions } from './version-order.ts';

export interface UpstreamVersions {
  /** Newest first, releases and candidates only. */
  readonly releases: readonly string[];
  /** Empty where upstream names none, or one that is no version. */
  readonly stable: string;
  readonly oldstable: string;
  readonly upcoming: string;
}

const MAX_VERSIONS = 1000;
const MAX_TARGETS = 2000;
/** One path segment, nothing hidden, nothing that climbs: `aarch64_cortex-a53`. */
const ARCHITECTURE = /^[A-Za-z0-9][\w+-]{0,63}$/;

const isRelease = (version: unknown): version is string =>
  typeof version === 'string' && version.length <= 64 && branchName(version) !== null && !isSnapshot(version);

export const isArchitecture = (name: unknown): name is string => typeof name === 'string' && ARCHITECTURE.test(name);

/** @throws Error when the text is not JSON, not of this form, or lists no release */
export function parseVersionsJson(text: string): UpstreamVersions {
  const data = parseJsonObject(text);
  const list = data.versions_list;
  if (!Array.isArray(list)) throw new Error('expected "versions_list" to be an array');
  const named = (field: string): string => (isRelease(data[field]) ? data[field] : '');
  const upcoming = named('upcoming_version');
  // A release that is only upcoming is not in the list, yet it has images.
  const releases = [...new Set([...list.filter(isRelease), ...(upcoming ? [upcoming] : [])])];
  if (releases.length === 0) throw new Error('expected releases in "versions_list", got none');
  if (releases.length > MAX_VERSIONS)
    throw new Error(`expected at most ${MAX_VERSIONS} versions, got ${releases.length}`);
  return {
    releases: releases.sort(compareVersions),
    stable: named('stable_version'),
    oldstable: named('oldstable_version'),
    upcoming,
  };
}

/**
 * Target → architecture.
 * @throws Error when the text is not a JSON object, or none of its entries is a target
 */
export function parseTargetsJson(text: string): Readonly<Record<string, string>> {
  const entries = Object.entries(parseJsonObject(text));
  const targets = entries.filter(
    (entry): entry is [string, string] => entry[0].length <= 128 && TARGET.test(entry[0]) && isArchitecture(entry[1]),
  );
  if (targets.length === 0 && entries.length > 0)
    throw new Error('expected "target/subtarget": "architecture", got neither');
  if (targets.length > MAX_TARGETS) throw new Error(`expected at most ${MAX_TARGETS} targets, got ${targets.length}`);
  return Object.fromEntries(targets.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Snapshots that enabled branches offer, newest first; whether the mirror has them is another question. */
export const snapshotsOf = (branches: readonly Branch[]): readonly string[] =>
  branches
    .filter((branch) => branch.enabled && branch.snapshot)
    .map((branch) => (branch.name === 'SNAPSHOT' ? 'SNAPSHOT' : `${branch.name}-SNAPSHOT`))
    .sort(compareVersions);

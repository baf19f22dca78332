/**
 * What becomes of a router's packages, for somebody who reads it before they flash: the server's answer has the names of the new
 * image, and this tells how they came about.
 */
import type { SeedUpgrade } from '../../../shared/api/seed-check-answers.ts';
import { baseSuccessor, isIgnored } from '../../../shared/seed/base-packages.ts';
import { latestPack, PACKAGE_CHANGES } from '../../../shared/upstream/package-changes.ts';
import { nameIn } from './name-in.ts';

export interface Changes {
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  /** Installed, and in the new image under no name. */
  readonly gone: readonly string[];
  /** In the new image, and installed under no name. */
  readonly added: readonly string[];
  readonly newer: readonly { readonly name: string; readonly installed: string; readonly offered: string }[];
}

/** `installed`: names as the router has them, maybe with the version of an ABI. Each list is sorted by name. */
export function whatChanges(installed: readonly string[], { packages = [], upgrades = {} }: SeedUpgrade): Changes {
  const offered = new Set(packages);
  const kept = new Set<string>();
  const left: string[] = [];
  for (const name of installed) {
    const same = nameIn(offered, name);
    if (same !== null) kept.add(same);
    else if (!isIgnored(name)) left.push(name);
  }
  const renamed = left.flatMap((from) => {
    const to = successorIn(offered, from);
    return to === null ? [] : [{ from, to }];
  });
  const sources = new Set(renamed.map(({ from }) => from));
  for (const { to } of renamed) kept.add(to);
  return {
    renamed: renamed.toSorted((a, b) => byName(a.from, b.from)),
    gone: left.filter((name) => !sources.has(name)).toSorted(byName),
    added: packages.filter((name) => !kept.has(name)).toSorted(byName),
    newer: Object.entries(upgrades)
      .map(([name, [version = '', before = '']]) => ({ name, installed: before, offered: version }))
      .toSorted((a, b) => byName(a.name, b.name)),
  };
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const SUCCESSORS: ReadonlyMap<string, string> = new Map(
  PACKAGE_CHANGES.flatMap(({ source, target }) => (target === undefined ? [] : [[source, target] as const])),
);

/** By the tables that the server goes by. A name may have changed more than once. */
function successorIn(offered: ReadonlySet<string>, name: string): string | null {
  const seen = new Set([name]);
  for (let later: string | null | undefined = name; ; ) {
    later = SUCCESSORS.get(later) ?? latestPack(later) ?? baseSuccessor(later);
    if (later === undefined || later === null || seen.has(later)) return null;
    if (offered.has(later)) return later;
    seen.add(later);
  }
}

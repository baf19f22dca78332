/**
 * Why opkg cannot install a selection, from the errors that it collected. It says "Cannot install package X" of a name that
 * nobody has and of every package that something else keeps out, so the other lines decide what X is.
 */
import type { Obstacles } from './selection-failure.ts';

/** @param collected the lines under "Collected errors:", see printed-lines.ts */
export function opkgObstacles(collected: readonly string[]): Obstacles {
  const conflicting = [
    ...caught(collected, /^ \* check_conflicts_for: The following packages conflict with (\S+):$/),
    ...caught(collected, /^ \* check_conflicts_for: \t(\S+) \* ?$/),
    ...caught(collected, /^ \* check_data_file_clashes: Package (\S+) wants to install file .*$/),
    ...caught(collected, /^\tBut that file is already provided by package {2}\* (\S+)$/),
  ];
  /** Packages that are there and lack something: not themselves missing. */
  const blocked = new Set([
    ...caught(collected, /^ \* \S+: Packages for (\S+) found, but incompatible with the architectures configured$/),
    ...caught(collected, /^ \* satisfy_dependencies_for: Cannot satisfy the following dependencies for (\S+):$/),
  ]);
  const dependencies = [
    ...caught(collected, /^ \* pkg_hash_check_unresolved: cannot find dependency (\S+)(?: .*)? for \S+$/),
    ...caught(collected, /^ \* \t(\S+)(?: .*)?$/),
  ];
  // What a conflict keeps out takes others with it, of which opkg says the same as of a name that nobody has.
  const refused =
    conflicting.length > 0 ? [] : caught(collected, /^ \* opkg_install_cmd: Cannot install package (\S+)\.$/);
  return { missing: [...dependencies, ...refused].filter((name) => !blocked.has(name)), conflicting };
}

const caught = (lines: readonly string[], pattern: RegExp): string[] =>
  lines.flatMap((line) => pattern.exec(line)?.[1] ?? []);

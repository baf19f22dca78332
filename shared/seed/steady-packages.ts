/**
 * Packages of an index that no table of changes has ever named, so that they are what they were for every router, whatever it
 * runs. That is nearly all of them. Each check looks up 200 names, so this is found out once per document and not once per name.
 */
import type { PackageList } from '../catalogue-document.ts';
import { mayBeRenamed } from '../package-changes.ts';
import { isIgnored } from './base-packages.ts';
import { isHistoricSource } from './historic-changes.ts';

const kept = new WeakMap<object, ReadonlyMap<string, string>>();

/** Name → version. A `Map`, as the names that are looked up are no keys of any object yet: it need not make such of them. */
export function steadyPackages({ packages }: Pick<PackageList, 'packages'>): ReadonlyMap<string, string> {
  let steady = kept.get(packages);
  if (!steady) {
    steady = new Map(Object.entries(packages).filter(([name]) => isSteady(name)));
    kept.set(packages, steady);
  }
  return steady;
}

const isSteady = (name: string): boolean => !mayBeRenamed(name) && !isHistoricSource(name) && !isIgnored(name);

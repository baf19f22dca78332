/**
 * What can be said of a package before anybody builds: that this version has it under another name, that it is gone, that nobody
 * knows it. Only the server decides; a name that no list has may be another package's second name.
 */
import type { OverviewBranch } from '../../../shared/api/catalogue-answers.ts';
import { latestPack } from '../../../shared/upstream/package-changes.ts';
import { isRemoval, isWord, nameOf } from '../choice.ts';

export type PackageNote =
  | { readonly kind: 'none'; readonly version: string }
  /** On the device anyway. */
  | { readonly kind: 'included' }
  | { readonly kind: 'renamed'; readonly to: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'malformed' }
  /** A removal of what is not there. */
  | { readonly kind: 'absent' }
  /** The lists are not here yet. */
  | { readonly kind: 'unsure' };

export interface PackageLists {
  /** Null until it is known. */
  readonly defaults: ReadonlySet<string> | null;
  /** Null until they are here. */
  readonly versions: ReadonlyMap<string, string> | null;
  readonly changes: OverviewBranch['package_changes'];
}

export function noteOf(word: string, { defaults, versions, changes }: PackageLists): PackageNote {
  if (!isWord(word)) return { kind: 'malformed' };
  const name = nameOf(word);
  if (defaults === null) return { kind: 'unsure' };
  if (isRemoval(word)) return defaults.has(name) ? { kind: 'none', version: '' } : { kind: 'absent' };
  if (defaults.has(name)) return { kind: 'included' };
  if (versions === null) return { kind: 'unsure' };
  const version = versions.get(name);
  const change = changes.find(({ source, mandatory }) => source === name && (mandatory || version === undefined));
  if (change) return change.target === undefined ? { kind: 'gone' } : { kind: 'renamed', to: change.target };
  if (version !== undefined) return { kind: 'none', version };
  const pack = latestPack(name);
  if (pack === null) return { kind: 'gone' };
  return pack !== undefined && versions.has(pack) ? { kind: 'renamed', to: pack } : { kind: 'unknown' };
}

/** What is installed when nobody chooses: a device may leave out what its target has. */
export function defaultNames(ofTarget: readonly string[], ofDevice: readonly string[]): readonly string[] {
  const left = new Set(ofDevice.filter(isRemoval).map(nameOf));
  const names = [...ofTarget, ...ofDevice].filter((word) => !isRemoval(word) && !left.has(word));
  return [...new Set(names)].sort();
}

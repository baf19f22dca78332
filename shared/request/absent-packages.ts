/**
 * What was asked for and is not in the image, although the ImageBuilder ended well. It says 0 for what its package manager
 * thinks of a selection, not for what a user asked: so the list of what is installed has the last word.
 *
 * A name may be asked for that another package provides, so where the indexes do not tell what is provided (apk's do not)
 * nothing is certain. A package that was to be removed and is there is no error: something else needs it.
 */
import type { Manifest } from '../upstream/manifest.ts';
import type { IndexedPackage } from '../upstream/opkg-index.ts';

/**
 * Names, sorted. None is the user's fault: opkg took them, so whoever finds one reports `internal`.
 * @param installed the list with ABI versions in its names, and the one without: either may be asked for
 * @param stanzas null where nothing tells what is provided
 */
export function absentPackages(
  asked: readonly string[],
  installed: readonly Manifest[],
  stanzas: Iterable<Pick<IndexedPackage, 'name' | 'bareName' | 'provides'>> | null,
): readonly string[] {
  if (stanzas === null) return [];
  const isInstalled = (name: string) => installed.some((manifest) => Object.hasOwn(manifest, name));
  const absent = new Set(asked.filter((name) => !isInstalled(name)));
  if (absent.size === 0) return [];
  for (const { name, bareName, provides } of stanzas)
    if (isInstalled(name) || isInstalled(bareName)) for (const provided of provides) absent.delete(provided.name);
  return [...absent].sort();
}

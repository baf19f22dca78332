/**
 * Is a finished image still what upstream would give today? Fresh while its ImageBuilder is the current one and every
 * package in it has the current version. So an unrelated package's update rebuilds nothing, a relevant one rebuilds at
 * once, and nothing expires by the clock.
 */
import { sha256Hex } from '../crypto/digest.ts';
import type { ArchDocument, TargetDocument } from '../upstream/catalogue-document.ts';
import type { BuildRecord } from './build-record.ts';

export function isFresh(
  record: Pick<BuildRecord, 'manifest' | 'unindexed'> & {
    readonly pins: { readonly imageBuilder: { readonly sha256: string } };
  },
  target: TargetDocument,
  arch: ArchDocument,
): boolean {
  if (record.pins.imageBuilder.sha256 !== target.imageBuilder.sha256) return false;
  const unindexed = new Set(record.unindexed);
  return Object.entries(record.manifest).every(
    ([name, version]) => unindexed.has(name) || indexedVersion(name, target, arch) === version,
  );
}

/** The target's own index wins: a kernel module is tied to its kernel. Undefined: upstream has no such package. */
export const indexedVersion = (name: string, target: TargetDocument, arch: ArchDocument): string | undefined =>
  own(target.packages, name) ?? own(arch.packages, name);

const own = (index: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(index, name) ? index[name] : undefined;

/**
 * Names of a manifest that do not come from the indexes: those that are not listed and, where foreign feeds were used,
 * those of another version, which such a feed may bring. Without foreign feeds another version means that upstream moved.
 */
export const unindexedNames = (
  manifest: Readonly<Record<string, string>>,
  target: TargetDocument,
  arch: ArchDocument,
  feeds: 'upstream only' | 'foreign too' = 'upstream only',
): string[] =>
  Object.entries(manifest)
    .filter(([name, version]) => {
      const indexed = indexedVersion(name, target, arch);
      return indexed === undefined || (feeds === 'foreign too' && indexed !== version);
    })
    .map(([name]) => name);

/** One digest for all of upstream that a build depends on; equal means that nothing can have changed. */
export const upstreamDigest = (target: TargetDocument, arch: ArchDocument): string =>
  sha256Hex(`${target.imageBuilder.sha256} ${target.packagesDigest} ${arch.packagesDigest}`);

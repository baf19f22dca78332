/** The document of one target: what a build needs to know of it. */
import type { TargetDocument } from '../../shared/upstream/catalogue-document.ts';
import { mergeIndexes, packageList } from '../../shared/upstream/feed.ts';
import { findImageBuilder } from '../../shared/upstream/sha256sums.ts';
import type { UpstreamProfiles } from '../../shared/upstream/upstream-profiles.ts';
import { readIndex } from './read-index.ts';
import { readTarget, type WantedTarget } from './read-target.ts';
import { parsed, type Reading, UpstreamTrouble } from './reading.ts';
import type { TrustSettings } from './trust.ts';

/** In no index: the kernel and the C library, which an ImageBuilder brings itself; the last two, before 22.03. */
const CARRIED: readonly string[] = ['kernel', 'libc', 'libpthread', 'librt'];

/**
 * Null: upstream has no such target (yet).
 * @throws UpstreamTrouble
 */
export async function compileTarget(
  reading: Reading,
  wanted: WantedTarget,
  settings: TrustSettings,
  now: number,
): Promise<TargetDocument | null> {
  const verified = await readTarget(reading, wanted, settings);
  if (!verified) return null;
  const { base, sums, profiles } = verified;
  const imageBuilder = parsed(`${base}/sha256sums`, () => findImageBuilder(sums));
  const [packages, kmods] = await Promise.all([
    readIndex(reading, base, 'packages', sums),
    profiles.kmodsDirectory === null ? null : readIndex(reading, base, `kmods/${profiles.kmodsDirectory}`, sums),
  ]);
  if (!packages) throw new UpstreamTrouble(`${base}/packages: has no package index, or an empty one`);
  // Without kmods of their own (23.05.0 to .5), kernel modules are among the packages.
  const merged = parsed(base, () => mergeIndexes(kmods ? [packages, kmods] : [packages]));
  const isWhole = kmods !== null || profiles.kmodsDirectory === null;

  return {
    kind: 'target',
    version: wanted.version,
    target: wanted.target,
    versionCode: profiles.versionCode,
    archPackages: profiles.archPackages,
    defaultPackages: profiles.defaultPackages,
    profiles: profiles.profiles,
    imageBuilder: { path: `${base}/${imageBuilder.file}`, sha256: imageBuilder.sha256 },
    feeds: [{ name: 'target', sha256: packages.sha256 }, ...(kmods ? [{ name: 'kmods', sha256: kmods.sha256 }] : [])],
    ...(await packageList(isWhole ? merged : { ...merged, provides: null }, [
      ...CARRIED,
      ...installedByDefault(profiles),
    ])),
    signedBy: verified.signedBy,
    fetchedAt: now,
    checkedAt: now,
  };
}

/** What upstream installs by itself exists, wherever an ImageBuilder takes it from. */
const installedByDefault = ({ defaultPackages, profiles }: UpstreamProfiles): string[] =>
  [...defaultPackages, ...Object.values(profiles).flatMap((profile) => profile.devicePackages)].filter(
    (word) => !word.startsWith('-'),
  );

/**
 * What is installed in an image, as clients are told it, and whether it may be: opkg lets packages through that exclude each
 * other (shared/upstream/one-sided-conflicts.ts). All from the list that `make image` leaves and the indexes that the build
 * had; only a name that these do not explain costs a second installation.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { absentPackages } from '../../shared/request/absent-packages.ts';
import {
  type BareNames,
  bareNamesOfIndex,
  bareNamesOfStanzas,
  installedPackages,
} from '../../shared/request/installed-packages.ts';
import { areSameInstallation, type Manifest, parseManifest } from '../../shared/upstream/manifest.ts';
import { oneSidedConflicts } from '../../shared/upstream/one-sided-conflicts.ts';
import type { IndexedPackage } from '../../shared/upstream/opkg-index.ts';
import type { FeedContents } from '../packages/feed-contents.ts';
import { ImageBuilderFailure } from './image-builder-failure.ts';
import type { PackageWay } from './package-way.ts';
import { selectionFailure } from './selection-failure.ts';

const NOTHING_PRINTED = { stdout: '', stderr: '' };

/**
 * @param imageManifest text of the `*.manifest` beside the images; null where the ImageBuilder left none
 * @param wanted the packages that were asked for beside the defaults
 * @param ask runs `make manifest STRIP_ABI=1` in the same tree and gives its stdout
 * @throws ImageBuilderFailure `conflict`; BuildError
 */
export async function installedOf(
  imageManifest: string | null,
  wanted: readonly string[],
  way: Pick<PackageWay, 'contents' | 'trouble'>,
  ask: () => Promise<string>,
): Promise<Manifest> {
  const inImage = parseManifest(imageManifest ?? '');
  const found = await way.contents();
  const contents = found.filter((feed) => feed !== null);
  const stanzas = contents.flatMap((feed) => (feed.kind === 'opkg' ? feed.packages : []));
  mustNotExclude(inImage, stanzas);
  const { packages, undecided } = installedPackages(inImage, bareNamesOf(contents, stanzas));
  // Without each index, and in the apk era, nobody knows what else a package is called.
  const isAllTold = found.length > 0 && found.every((feed) => feed?.kind === 'opkg');
  if (imageManifest !== null && isAllTold) mustHold(wanted, [inImage, packages], stanzas);
  if (imageManifest !== null && undecided.length === 0) return packages;
  return await asked(imageManifest === null ? null : inImage, ask);
}

function mustNotExclude(installed: Manifest, stanzas: readonly IndexedPackage[]): void {
  const conflicting = oneSidedConflicts(installed, stanzas).flatMap((pair) => [pair.package, pair.other]);
  const failure = selectionFailure({ missing: [], conflicting });
  if (failure) throw new ImageBuilderFailure(failure, NOTHING_PRINTED);
}

/** The ImageBuilder took each name with status 0: that one is not there is no fault of whoever asked. */
function mustHold(wanted: readonly string[], installed: readonly Manifest[], stanzas: readonly IndexedPackage[]): void {
  const absent = absentPackages(wanted, installed, stanzas);
  if (absent.length > 0)
    throw new BuildError(
      'internal',
      `Error: The image was made without ${absent.join(', ')}. This is not a fault of your request`,
    );
}

function bareNamesOf(contents: readonly FeedContents[], stanzas: readonly IndexedPackage[]): BareNames {
  const byStanzas = bareNamesOfStanzas(stanzas);
  const indexes = contents.flatMap((feed) => (feed.kind === 'names' ? [bareNamesOfIndex(feed.versions)] : []));
  return (name, version) => {
    const ofStanzas = byStanzas(name, version);
    if (ofStanzas !== null) return ofStanzas;
    for (const ofIndex of indexes) {
      const bare = ofIndex(name, version);
      if (bare !== null) return bare;
    }
    return null;
  };
}

async function asked(inImage: Manifest | null, ask: () => Promise<string>): Promise<Manifest> {
  const stdout = await ask();
  const listed = parseManifest(stdout);
  if (Object.keys(listed).length === 0)
    throw new BuildError('internal', undefined, { stdout, cause: 'make manifest ended well and listed no packages' });
  if (inImage === null || areSameInstallation(listed, inImage)) return listed;
  throw new BuildError(
    'upstream_unavailable',
    'Error: The packages changed while the image was built. This is not a fault of your request',
  );
}

/**
 * The stages of a build, from a checked order to files that can be served. Each is a few lines here and a file of its own;
 * this is the order in which they happen, and what must be true between them.
 */
import path from 'node:path';
import { BuildError } from '../../shared/build/build-error.ts';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { MakeInfo } from '../../shared/upstream/make-info.ts';
import type { BuildOutput, OutputFile } from '../agent/build-event.ts';
import { BUILD_BYTES } from '../disk/disk-watch.ts';
import type { Peaks } from '../fence/bounds.ts';
import {
  commandForReading,
  type ImageWishes,
  imageArguments,
  infoArguments,
  manifestArguments,
} from '../imagebuilder/arguments.ts';
import { detectEra, REPOSITORIES_FILE } from '../imagebuilder/era.ts';
import type { HeldTree, TreeProgress } from '../imagebuilder/imagebuilder-supply.ts';
import { infoOf } from '../imagebuilder/info.ts';
import { readRepositories } from '../imagebuilder/plain-tree.ts';
import { proxyRepositories } from '../imagebuilder/repositories.ts';
import { mustNotReplace } from '../imagebuilder/repository-keys.ts';
import type { BuildPlace } from './build-place.ts';
import { asSeen } from './build-place.ts';
import type { CheckedOrder } from './checked-order.ts';
import { classifyMissingImage, type Evidence, saysTooBig } from './classify-failure.ts';
import { type Collected, collectImages } from './collect-images.ts';
import { ImageBuilderFailure } from './image-builder-failure.ts';
import { installedOf } from './installed-of.ts';
import { learnDownloads } from './learn-downloads.ts';
import { mustNotNameFiles } from './must-not-name-files.ts';
import { type PackageWay, packageWay } from './package-way.ts';
import { type PrivateTree, privateTree } from './private-tree.ts';
import { type MakeOptions, type MakeOutput, runMake } from './run-make.ts';
import { downloadsOf, stockTree } from './stock-tree.ts';
import type { Workshop } from './workshop.ts';
import { createWorkspace, removeAllButOutput, type Workspace, writeDefaults } from './workspace.ts';

export interface BuildImageOptions {
  readonly workshop: Workshop;
  readonly signal: AbortSignal;
  readonly onStep: (step: BuildStep, bytesDone?: number, bytesTotal?: number) => void;
  readonly killGraceMs?: number | undefined;
  readonly onOutput?: MakeOptions['onOutput'];
  readonly onPeaks?: ((peaks: Peaks) => void) | undefined;
  readonly onWay?: ((way: PackageWay) => void) | undefined;
}

/** 48 bits of the request's hash: enough to tell files apart by eye, never used as a key. */
const EXTRA_NAME_LENGTH = 12;

/** @throws BuildError; what the file system throws; the signal's reason */
export async function buildImage(
  order: CheckedOrder,
  options: BuildImageOptions,
): Promise<Omit<BuildOutput, 'durationMs'>> {
  const { workshop, signal, onStep } = options;
  using held = await workshop.supply.provide(order.imageBuilder, {
    signal,
    onProgress: (progress) => tellTreeProgress(progress, onStep),
  });

  onStep(BuildStep.CONTAINER_SETUP);
  const { workspaces } = workshop;
  workspaces.occupy(order.leaseId);
  const workspace = await createWorkspace(workshop.stateDirectory, order.leaseId);
  using room = await workshop.budget.hold(BUILD_BYTES, () => workspaces.seenBytes(order.leaseId));
  if (room === null) throw new BuildError('disk_full');
  const prepared = await prepare(order, held, workspace, options);
  try {
    return await buildIn(prepared, order, options);
  } catch (error) {
    // A copy that was kept on a mirror's word alone, and that apk or opkg found wanting, would fail every later build.
    if (error instanceof BuildError && error.kind === 'upstream_unavailable')
      await prepared.way.distrust().catch(workshop.tellFault);
    throw error;
  } finally {
    await prepared.way.close();
  }
}

interface Prepared {
  readonly held: HeldTree;
  readonly tree: PrivateTree;
  readonly place: BuildPlace;
  readonly way: PackageWay;
}

/** A private tree whose feeds are the package proxy's, and that proxy's door. */
async function prepare(
  order: CheckedOrder,
  held: HeldTree,
  workspace: Workspace,
  { workshop, signal, onWay }: BuildImageOptions,
): Promise<Prepared> {
  const tree = await privateTree(held.tree, workspace, workshop.fence, signal);
  const era = await detectEra(held.tree);
  const repositories = proxyRepositories(era, await readRepositories(path.join(held.tree, REPOSITORIES_FILE[era])), {
    versionUrl: order.versionUrl,
    target: order.target,
    foreign: order.repositories,
    mode: order.repositoriesMode,
    pins: order.pins,
  });
  const way = await packageWay(workshop, { era, leaseId: order.leaseId, feeds: repositories.feeds, signal });
  onWay?.(way);
  try {
    await tree.write(REPOSITORIES_FILE[era], repositories.textAt(way.address));
    await mustNotReplace(path.join(held.tree, 'keys'), order.repositoryKeys);
    for (const { name, content } of order.repositoryKeys) await tree.write(path.join('keys', name), content);
  } catch (error) {
    await way.close();
    throw error;
  }
  const { fence, bounds, workspaces } = workshop;
  const onDiskBytes = (bytes: number) => workspaces.saw(order.leaseId, bytes);
  const place: BuildPlace = {
    workspace,
    fence,
    bounds,
    onDiskBytes,
    lower: tree.lower,
    over: tree.over,
    serve: way.serve,
  };
  return { held, tree, way, place };
}

async function buildIn(
  { held, tree, place, way }: Prepared,
  order: CheckedOrder,
  options: BuildImageOptions,
): Promise<Omit<BuildOutput, 'durationMs'>> {
  const { workshop, signal, onStep } = options;
  const { workspace } = place;
  const make: MakeOptions = {
    signal,
    graceMs: options.killGraceMs,
    onOutput: options.onOutput,
    trouble: () => way.trouble,
    onPeaks: options.onPeaks,
    era: way.era,
  };

  onStep(BuildStep.VALIDATE_REVISION);
  const info = await infoOf(held.tree, order.leaseId, async () => {
    const { stdout } = await runMake(place, 'info', infoArguments(), make);
    return stdout;
  });
  mustBeOrdered(info, order);
  await mustNotNameFiles(way.era, held.tree, order.addPackages);

  onStep(BuildStep.BUILDING_IMAGE);
  await stockTree(tree, way, workshop, signal);
  const wishes: ImageWishes = {
    ...order,
    binDirectory: asSeen(place, workspace.binDirectory),
    extraImageName: order.requestHash.slice(0, EXTRA_NAME_LENGTH),
    filesDirectory: order.defaults === '' ? '' : asSeen(place, await writeDefaults(workspace, order.defaults)),
  };
  const output = await runMake(place, 'image', imageArguments(wishes), make);

  onStep(BuildStep.SIGNING_IMAGES);
  const seen = { ...output, era: way.era, trouble: way.trouble };
  const collected = await collectImages(workspace.binDirectory, order, signal);
  if (collected === null) throw new ImageBuilderFailure(classifyMissingImage(seen), output);
  mustBeWhole(collected, seen);
  const manifest = await installedOf(collected.imageManifest, order.addPackages, way, async () => {
    onStep(BuildStep.VALIDATE_MANIFEST);
    const { stdout } = await runMake(place, 'manifest', manifestArguments(order), make);
    return stdout;
  });
  workshop.packages.larder.learn(await learnDownloads(downloadsOf(tree), way.era, way.served, signal));
  await removeAllButOutput(workspace);
  workshop.workspaces.saw(order.leaseId, bytesOf(collected.files));
  signal.throwIfAborted();
  return {
    files: collected.files,
    images: collected.images,
    profilesJson: collected.profilesJson,
    manifest,
    buildCommand: commandForReading(wishes),
    circumstances: { sandbox: workshop.fence.told, imageBuilderSignedBy: held.signedBy },
  };
}

function tellTreeProgress(progress: TreeProgress, onStep: BuildImageOptions['onStep']): void {
  if (progress.step === 'unpack') onStep(BuildStep.UNPACK_IMAGEBUILDER);
  else onStep(BuildStep.DOWNLOAD_IMAGEBUILDER, progress.bytesDone, progress.bytesTotal);
}

const bytesOf = (files: readonly OutputFile[]): number => files.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);

/** The pins were made from upstream's profiles.json; an ImageBuilder of another day is upstream's doing, not the user's. */
function mustBeOrdered(info: MakeInfo, order: CheckedOrder): void {
  if (info.target !== order.target || info.revision !== order.revision)
    throw new BuildError(
      'upstream_unavailable',
      `Error: Expected an ImageBuilder of ${order.target} at ${order.revision}, got one of ${info.target} at ${info.revision}: the mirror is being updated. This is not a fault of your request`,
    );
  if (!info.profiles.has(order.profile))
    throw new BuildError(
      'unsupported',
      `Unsupported profile: ${order.profile}. The requested profile was either dropped or never existed. Please check the forums for more information.`,
    );
}

/** Where the sysupgrade image alone was left out for its size, the rest would look like a success, and could not be used. */
function mustBeWhole(collected: Collected, seen: MakeOutput & Evidence): void {
  if (saysTooBig(seen) && !collected.images.some(({ type }) => type === 'sysupgrade'))
    throw new ImageBuilderFailure(classifyMissingImage(seen), seen);
}

/**
 * The stages of a build, from a checked order to files that can be served. Each is a few lines here and a file of its own;
 * this is the order in which they happen, and what must be true between them.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BuildError } from '../../shared/build-error.ts';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { MakeInfo } from '../../shared/make-info.ts';
import { areSameInstallation, type Manifest, parseManifest } from '../../shared/manifest.ts';
import type { BuildOutput } from '../build-event.ts';
import {
  commandForReading,
  type ImageWishes,
  imageArguments,
  infoArguments,
  manifestArguments,
} from '../imagebuilder/arguments.ts';
import type { DownloadLimits } from '../imagebuilder/download.ts';
import { detectEra, type Era, REPOSITORIES_FILE } from '../imagebuilder/era.ts';
import { infoOf } from '../imagebuilder/info.ts';
import { provideTree, type TreeProgress } from '../imagebuilder/provide-tree.ts';
import { rewriteRepositories } from '../imagebuilder/repositories.ts';
import type { ProxySettings } from './build-environment.ts';
import type { CheckedOrder } from './checked-order.ts';
import { classifyMissingImage, saysTooBig } from './classify-failure.ts';
import { type Collected, collectImages } from './collect-images.ts';
import { ImageBuilderFailure } from './image-builder-failure.ts';
import { type MakeOptions, type MakeOutput, runMake } from './run-make.ts';
import { copyTree, createWorkspace, removeAllButOutput, type Workspace, writeDefaults } from './workspace.ts';

export interface BuildImageOptions {
  readonly stateDirectory: string;
  readonly signal: AbortSignal;
  readonly onStep: (step: BuildStep, bytesDone?: number, bytesTotal?: number) => void;
  readonly proxy?: ProxySettings | undefined;
  readonly downloadLimits?: Partial<DownloadLimits> | undefined;
  readonly killGraceMs?: number | undefined;
  readonly onOutput?: MakeOptions['onOutput'];
}

/** 48 bits of the request's hash: enough to tell files apart by eye, never used as a key. */
const EXTRA_NAME_LENGTH = 12;

/** @throws BuildError; what the file system throws; the signal's reason */
export async function buildImage(
  order: CheckedOrder,
  options: BuildImageOptions,
): Promise<Omit<BuildOutput, 'durationMs'>> {
  const { signal, onStep, stateDirectory } = options;
  const make: MakeOptions = {
    signal,
    proxy: options.proxy ?? {},
    graceMs: options.killGraceMs,
    onOutput: options.onOutput,
  };

  const pristine = await provideTree(order.imageBuilder, {
    stateDirectory,
    signal,
    onProgress: (progress) => tellTreeProgress(progress, onStep),
    downloadLimits: options.downloadLimits,
  });

  onStep(BuildStep.CONTAINER_SETUP);
  const workspace = await createWorkspace(stateDirectory, order.leaseId);
  await copyTree(pristine, workspace, signal);
  await pointAtMirror(workspace, await detectEra(workspace.tree), order);

  onStep(BuildStep.VALIDATE_REVISION);
  const info = await infoOf(pristine, order.leaseId, async () => {
    const { stdout } = await runMake(workspace, 'info', infoArguments(), make);
    return stdout;
  });
  mustBeOrdered(info, order);

  onStep(BuildStep.VALIDATE_MANIFEST);
  const listed = await runMake(workspace, 'manifest', manifestArguments(order), make);
  const manifest = parseManifest(listed.stdout);
  if (Object.keys(manifest).length === 0)
    throw new BuildError('internal', undefined, {
      ...listed,
      cause: 'make manifest ended well and listed no packages',
    });

  onStep(BuildStep.BUILDING_IMAGE);
  const wishes: ImageWishes = {
    ...order,
    binDirectory: workspace.binDirectory,
    extraImageName: order.requestHash.slice(0, EXTRA_NAME_LENGTH),
    filesDirectory: order.defaults === '' ? '' : await writeDefaults(workspace, order.defaults),
  };
  const output = await runMake(workspace, 'image', imageArguments(wishes), make);

  onStep(BuildStep.SIGNING_IMAGES);
  const collected = await collectImages(workspace.binDirectory, order);
  if (collected === null) throw new ImageBuilderFailure(classifyMissingImage(output), output);
  mustBeWhole(collected, output);
  mustBeInstalled(manifest, collected);
  await removeAllButOutput(workspace);
  signal.throwIfAborted();
  return {
    files: collected.files,
    images: collected.images,
    profilesJson: collected.profilesJson,
    manifest,
    buildCommand: commandForReading(wishes),
  };
}

function tellTreeProgress(progress: TreeProgress, onStep: BuildImageOptions['onStep']): void {
  if (progress.step === 'unpack') onStep(BuildStep.UNPACK_IMAGEBUILDER);
  else onStep(BuildStep.DOWNLOAD_IMAGEBUILDER, progress.bytesDone, progress.bytesTotal);
}

async function pointAtMirror(workspace: Workspace, era: Era, order: CheckedOrder): Promise<void> {
  const file = path.join(workspace.tree, REPOSITORIES_FILE[era]);
  const text = rewriteRepositories(era, await readFile(file, 'utf8'), {
    versionUrl: order.versionUrl,
    target: order.target,
    foreign: order.repositories,
    mode: order.repositoriesMode,
  });
  // Removed first: were it a link in the archive, writing would go to what it points at.
  await rm(file);
  await writeFile(file, text, { flag: 'wx' });
  const keys = path.join(workspace.tree, 'keys');
  if (order.repositoryKeys.length > 0) await mkdir(keys, { recursive: true });
  for (const { name, content } of order.repositoryKeys) {
    await rm(path.join(keys, name), { force: true });
    await writeFile(path.join(keys, name), content, { flag: 'wx', mode: 0o644 });
  }
}

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
function mustBeWhole(collected: Collected, output: MakeOutput): void {
  if (saysTooBig(output) && !collected.images.some(({ type }) => type === 'sysupgrade'))
    throw new ImageBuilderFailure(classifyMissingImage(output), output);
}

/**
 * The manifest was listed before the image was made; if the feeds changed in between, it is not the image's. That each asked
 * package is in it was opkg's or apk's to see to: a name may be a virtual one, of which the manifest holds the provider, so
 * looking for the name here would refuse good images.
 */
function mustBeInstalled(manifest: Manifest, { imageManifest }: Collected): void {
  if (imageManifest === null || areSameInstallation(manifest, parseManifest(imageManifest))) return;
  throw new BuildError(
    'upstream_unavailable',
    'Error: The packages changed while the image was built. This is not a fault of your request',
  );
}

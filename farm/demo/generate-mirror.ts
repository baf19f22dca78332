/**
 * The demo distribution on disk, for `npm run demo`, tests and end-to-end runs: everything the real mirror has that we
 * read, with ImageBuilders that really build, in a second and in a few megabytes.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { demoKey } from './demo-key.ts';
import { revisionOf } from './demo-package.ts';
import { imageBuilderName } from './imagebuilder-tarball.ts';
import { mirrorFiles } from './mirror-files.ts';
import { type Compression, initialState, type MirrorState, stateFile, targetsOf } from './mirror-state.ts';
import { type Era, type ReleaseRow, releasesTable, type TargetRow } from './releases-table.ts';
import { writeMirror } from './write-mirror.ts';

export type DemoMirrorOptions = {
  /** Empty, absent, or a demo mirror already (which is then brought to these options). */
  readonly directory: string;
  readonly repositoryUrl?: string;
  readonly delaySeconds?: number;
  readonly weightMib?: number;
  readonly largeMib?: number;
  readonly compression?: Compression;
  readonly irreproducible?: boolean;
};

export type DemoRelease = {
  /** `24.10.2`, `25.12.1` or `SNAPSHOT`. */
  readonly version: string;
  /** `releases/24.10.2` … `snapshots`. */
  readonly path: string;
  readonly era: Era;
  /** `version_code` */
  readonly revision: string;
  readonly targets: readonly DemoTarget[];
};

export type DemoTarget = {
  /** `demo/generic` */
  readonly target: string;
  /** `arch_packages` */
  readonly arch: string;
  /** Profile ids, sorted. */
  readonly profiles: readonly string[];
  /** Path of the ImageBuilder's tarball below the mirror. */
  readonly imageBuilder: string;
};

export type DemoMirror = {
  readonly directory: string;
  /** usign text; verifies every `sha256sums.sig` and `Packages.sig` of the mirror. */
  readonly publicKey: string;
  readonly keyId: string;
  /** What the ImageBuilders' feed URLs begin with until somebody rewrites them. */
  readonly repositoryUrl: string;
  readonly releases: readonly DemoRelease[];
};

export async function generateMirror(options: DemoMirrorOptions): Promise<DemoMirror> {
  const { directory, ...rest } = options;
  await mkdir(directory, { recursive: true });
  const entries = await readdir(directory);
  if (entries.length > 0 && !entries.includes(stateFile))
    throw new Error(`expected an empty directory or a demo mirror, got ${directory} with other files: choose another`);
  const state: MirrorState = { ...initialState, ...rest };
  await writeMirror(directory, await mirrorFiles(state, await demoKey()));
  return describeMirror(directory, state);
}

/** What is in a mirror of this state. */
export async function describeMirror(directory: string, state: MirrorState): Promise<DemoMirror> {
  const { publicKey, keyId } = await demoKey();
  const releases = releasesTable.map((release) => ({
    version: release.version,
    path: release.path,
    era: release.era,
    revision: revisionOf(release, state).code,
    targets: targetsOf(state).map((target) => describeTarget(release, target, state)),
  }));
  return { directory: resolve(directory), publicKey, keyId, repositoryUrl: state.repositoryUrl, releases };
}

function describeTarget(release: ReleaseRow, target: TargetRow, state: MirrorState): DemoTarget {
  const tarball = `${imageBuilderName(release, target)}.tar.${state.compression}`;
  return {
    target: target.target,
    arch: target.arch,
    profiles: target.profiles.map(({ id }) => id),
    imageBuilder: `${release.path}/targets/${target.target}/${tarball}`,
  };
}

/**
 * What happens to a mirror while somebody lives off it: snapshots are rebuilt under the same names, packages of a
 * release are updated. Both are a new state of the same mirror; only files whose bytes differ are touched.
 */
import { demoKey } from './demo-key.ts';
import { type DemoMirror, describeMirror } from './generate-mirror.ts';
import { mirrorFiles } from './mirror-files.ts';
import { type MirrorState, readState, targetsOf } from './mirror-state.ts';
import { packagesTable } from './packages-table.ts';
import { releasesTable } from './releases-table.ts';
import { writeMirror } from './write-mirror.ts';

/** A new snapshot: next revision, new base-files, new ImageBuilders under the old names. */
export async function moveSnapshot(directory: string): Promise<DemoMirror> {
  const state = await readState(directory);
  return apply(directory, { ...state, snapshotMoves: state.snapshotMoves + 1 });
}

export type PackageUpdate = {
  /** Of the release: `24.10.2`, `25.12.1` or `SNAPSHOT`. */
  readonly version: string;
  /** Without ABI suffix. */
  readonly package: string;
  /** One architecture instead of all. */
  readonly arch?: string;
};

/** The package's next version: a new file and new indexes in its feed; the old file is gone, as upstream. */
export async function updatePackage(directory: string, update: PackageUpdate): Promise<DemoMirror> {
  if (!releasesTable.some(({ version }) => version === update.version))
    throw new Error(`expected one of ${releasesTable.map(({ version }) => version).join(', ')}, got ${update.version}`);
  if (!Object.values(packagesTable).some((rows) => update.package in rows))
    throw new Error(`expected the name of a demo package without its ABI suffix, got ${update.package}`);
  const state = await readState(directory);
  const all = targetsOf(state).map(({ arch }) => arch);
  const arches = all.filter((arch) => (update.arch ?? arch) === arch);
  if (arches.length === 0) throw new Error(`expected one of ${all.join(', ')}, got ${update.arch}`);
  const packageUpdates = { ...state.packageUpdates };
  for (const arch of arches) {
    const key = `${update.version}/${arch}/${update.package}`;
    packageUpdates[key] = (packageUpdates[key] ?? 0) + 1;
  }
  return apply(directory, { ...state, packageUpdates });
}

async function apply(directory: string, state: MirrorState): Promise<DemoMirror> {
  await writeMirror(directory, await mirrorFiles(state, await demoKey()));
  return describeMirror(directory, state);
}

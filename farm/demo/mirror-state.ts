/**
 * All that a mirror's bytes depend on beside the tables: how it was generated and what happened to it since. It lies in
 * the mirror's directory, so that a later change (`change-mirror.ts`) starts from the same place.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { irreproducibleTarget, type TargetRow, targetsTable } from './releases-table.ts';

export type Compression = 'gz' | 'xz' | 'zst';

export type MirrorState = {
  /** What the ImageBuilders' own feed URLs begin with; whoever runs one puts its proxy there. */
  readonly repositoryUrl: string;
  /** Each image build sleeps that long, for tests that interrupt builds. */
  readonly delaySeconds: number;
  /** Each image build compresses so much noise, for benchmarks: packing a real root file system takes most of a build. */
  readonly weightMib: number;
  /** Factory images are longer by so much, for what a farm does with large ones: decimal numbers from 100000000 on, a line each. */
  readonly largeMib: number;
  /** Of the ImageBuilder tarballs. Only `gz` gives the same bytes on every machine. */
  readonly compression: Compression;
  /** Is there a target of which no two images are equal? */
  readonly irreproducible: boolean;
  /** How often the snapshot was rebuilt. */
  readonly snapshotMoves: number;
  /** `<version>/<arch>/<package>` to the number of its updates. */
  readonly packageUpdates: Readonly<Record<string, number>>;
};

export const initialState: MirrorState = {
  repositoryUrl: 'https://downloads.demo.invalid',
  delaySeconds: 0,
  weightMib: 0,
  largeMib: 0,
  compression: 'gz',
  irreproducible: false,
  snapshotMoves: 0,
  packageUpdates: {},
};

export const targetsOf = ({ irreproducible }: MirrorState): readonly TargetRow[] =>
  irreproducible ? [...targetsTable, irreproducibleTarget] : targetsTable;

/** Dot file, so that no listing shows it; it is served like any other and holds no secret. */
export const stateFile = '.demo-state.json';

export async function readState(directory: string): Promise<MirrorState> {
  const path = join(directory, stateFile);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Error(`expected a demo mirror in ${directory} (no ${stateFile} there): generate it first`, { cause });
  });
  return { ...initialState, ...(JSON.parse(text) as Partial<MirrorState>) };
}

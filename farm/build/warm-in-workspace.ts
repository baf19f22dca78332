/**
 * Warms a new tree where every build will see it: in the fence, as `/builder/tree`, with nothing in reach, no network either.
 * An ImageBuilder is a program from a mirror; that upstream signed it is no reason to run it outside.
 */
import { lstat, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Bounds } from '../fence/bounds.ts';
import type { Fence } from '../fence/fence.ts';
import { mustBePlain } from '../imagebuilder/plain-tree.ts';
import { type CarriedPackages, type MakeInTree, warmTree } from '../imagebuilder/warm-tree.ts';
import { isIndexWhole } from '../imagebuilder/whole-index.ts';
import { findExhaustion } from './classify-failure.ts';
import { ImageBuilderFailure } from './image-builder-failure.ts';
import { startMake } from './run-make.ts';
import { createWorkspace, removeWorkspace } from './workspace.ts';

export interface WarmOptions {
  readonly stateDirectory: string;
  readonly fence: Fence;
  readonly bounds: Bounds;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  /** Around the time for which its workspace is in use, where somebody else might remove it. */
  readonly occupy?: (leaseId: string) => void;
  readonly release?: (leaseId: string) => void;
}

/**
 * @param tree where it is unpacked, and is again when this resolves
 * @returns what `make info` said; null where it failed
 * @throws ImageBuilderFailure where room or memory ran out: half an index in a tree that every later build starts from would be
 *   told, for as long as the tree is kept, as packages that do not exist. OverrunError; BuildError; the signal's reason
 */
export async function warmInWorkspace(tree: string, options: WarmOptions): Promise<string | null> {
  const { stateDirectory, fence, bounds, signal, tell, occupy = () => {}, release = () => {} } = options;
  const leaseId = `warm-${path.basename(tree).slice(0, 16)}`;
  // Else it would look like one that a build left behind, and be removed where room is needed.
  occupy(leaseId);
  try {
    const workspace = await createWorkspace(stateDirectory, leaseId);
    await rename(tree, workspace.tree);
    const place = { workspace, fence, lower: null, over: null, serve: null, bounds };
    const make: MakeInTree = async (args) => {
      const run = await startMake(place, args, { signal, graceMs: undefined });
      if (run.ended.state === 'exited' && run.ended.exitCode === 0) return { ok: true, stdout: run.stdout };
      const exhaustion = findExhaustion(run);
      if (exhaustion) throw new ImageBuilderFailure(exhaustion, run);
      return { ok: false, stdout: run.stdout };
    };
    const directory = path.join(workspace.tree, 'packages');
    // A link would lead to somebody else's files.
    const isDirectory = async () => (await lstat(directory).catch(() => null))?.isDirectory() ?? false;
    const packages: CarriedPackages = {
      isIndexWhole: async () => !(await isDirectory()) || (await isIndexWhole(directory)),
      forget: async (name) => {
        if (await isDirectory()) await rm(path.join(directory, name), { force: true, recursive: true });
      },
    };
    const info = await warmTree(make, packages, tell);
    await mustBePlain(workspace.tree);
    await rename(workspace.tree, tree);
    return info;
  } finally {
    release(leaseId);
    await removeWorkspace(stateDirectory, leaseId);
  }
}

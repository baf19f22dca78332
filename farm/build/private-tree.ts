/**
 * A build's own tree over the warm one that all builds of an ImageBuilder share. Where the fence can, it is an overlay: what
 * the build changes lies in the workspace's `upper`, and nothing is copied. Elsewhere it is a copy, by reflinks where the
 * file system has them. Never hard links: the ImageBuilder rewrites files in place (`> $@`, `usign -S`), and would write
 * into the tree of every later build.
 */
import { chmod, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { BuildError } from '../../shared/build/build-error.ts';
import type { Fence } from '../fence/fence.ts';
import type { Workspace } from './workspace.ts';

export interface PrivateTree {
  /** What the overlay lies on; null for a copy, which stands on its own. */
  readonly lower: string | null;
  /** A layer between the two, empty at first, of what the build has from the start; null: there are no layers. */
  readonly over: string | null;
  /** Where what the build writes lies: the overlay's upper, or the copy. */
  readonly changes: string;
  /** Puts a file into the build's tree, in the place of whatever is there; never through a link that the archive may hold. */
  write(relativePath: string, content: string): Promise<void>;
}

/** @throws BuildError `disk_full`, `internal`; what the file system throws; the signal's reason */
export async function privateTree(
  pristine: string,
  workspace: Workspace,
  fence: Fence,
  signal: AbortSignal,
): Promise<PrivateTree> {
  if (!fence.canOverlay) {
    await copyTree(pristine, workspace.tree, signal);
    return {
      lower: null,
      over: null,
      changes: workspace.tree,
      write: (relativePath, content) => replace(workspace.tree, relativePath, content),
    };
  }
  const [upper, over] = [path.join(workspace.directory, 'upper'), path.join(workspace.directory, 'over')];
  for (const part of ['upper', 'over', 'work', 'tree']) await mkdir(path.join(workspace.directory, part));
  // The merged directory has the upper one's mode; the node's own umask may be stricter than what an ImageBuilder accepts.
  await chmod(upper, 0o755);
  return {
    lower: pristine,
    over,
    changes: upper,
    write: (relativePath, content) => replace(upper, relativePath, content),
  };
}

async function replace(tree: string, relativePath: string, content: string): Promise<void> {
  const file = path.join(tree, relativePath);
  const parent = path.dirname(file);
  if (parent !== tree) {
    await mkdir(parent, { recursive: true });
    // A link of the ImageBuilder's would have us write, as ourselves, where it leads.
    if (!(await lstat(parent)).isDirectory()) throw new BuildError('upstream_unavailable');
    await chmod(parent, 0o755);
  }
  await rm(file, { force: true });
  await writeFile(file, content, { flag: 'wx', mode: 0o644 });
  await chmod(file, 0o644);
}

async function copyTree(pristine: string, tree: string, signal: AbortSignal): Promise<void> {
  const copied = await execa('cp', ['-a', '--reflink=auto', pristine, tree], {
    reject: false,
    cancelSignal: signal,
    env: { LC_ALL: 'C' },
  });
  signal.throwIfAborted();
  if (!copied.failed) return;
  if (/: (?:No space left on device|Disk quota exceeded)$/m.test(copied.stderr)) throw new BuildError('disk_full');
  throw new BuildError('internal', undefined, { cause: copied });
}

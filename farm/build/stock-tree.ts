/**
 * Fills a build's download directory with what the last builds of the same feeds were given; see farm/packages/larder.ts.
 * Over an overlay nothing is copied: the node's own files get second names in a layer that nobody can write to.
 */
import { lstat, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { PackageWay } from './package-way.ts';
import type { PrivateTree } from './private-tree.ts';
import type { Workshop } from './workshop.ts';

/** Where an ImageBuilder of either kind keeps what it downloaded. */
const DOWNLOADS = 'dl';
const AT_ONCE = 8;

/** What a build itself put there. */
export const downloadsOf = (tree: PrivateTree): string => path.join(tree.changes, DOWNLOADS);

/** What cannot be had now, the build fetches by itself. */
export async function stockTree(
  tree: PrivateTree,
  way: PackageWay,
  { packages: { store } }: Workshop,
  signal: AbortSignal,
): Promise<void> {
  const stocked = await way.stock();
  if (stocked.length === 0) return;
  const directory = path.join(tree.over ?? tree.changes, DOWNLOADS);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  // In a copy it is the ImageBuilder's own, and may be a link to elsewhere.
  if (!(await lstat(directory)).isDirectory()) return;
  const waiting = [...stocked];
  const putNext = async () => {
    for (let next = waiting.pop(); next && !signal.aborted; next = waiting.pop()) {
      const target = path.join(directory, next.name);
      const put = tree.over === null ? store.copyTo(next.sha256, target) : store.linkTo(next.sha256, target);
      await put.catch(() => {});
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, putNext));
  signal.throwIfAborted();
}

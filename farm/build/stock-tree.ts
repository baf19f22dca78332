/** Fills a build's download directory with what the last builds of the same feeds were given; see farm/packages/larder.ts. */
import { lstat, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { PackageWay } from './package-way.ts';
import type { PrivateTree } from './private-tree.ts';
import type { Workshop } from './workshop.ts';

const DOWNLOADS = 'dl';
const COPIES_AT_ONCE = 8;

/** What cannot be had now, the build fetches by itself. */
export async function stockTree(
  tree: PrivateTree,
  way: PackageWay,
  { packages }: Workshop,
  signal: AbortSignal,
): Promise<void> {
  const stocked = packages.larder.for(await way.editions());
  if (stocked.length === 0) return;
  const directory = path.join(tree.changes, DOWNLOADS);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  // In a copy it is the ImageBuilder's own, and may be a link to elsewhere.
  if (!(await lstat(directory)).isDirectory()) return;
  const waiting = [...stocked];
  const copyNext = async () => {
    for (let next = waiting.pop(); next && !signal.aborted; next = waiting.pop())
      await packages.store.copyTo(next.sha256, path.join(directory, next.name)).catch(() => {});
  };
  await Promise.all(Array.from({ length: COPIES_AT_ONCE }, copyNext));
  signal.throwIfAborted();
}

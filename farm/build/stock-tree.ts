/**
 * Fills a build's download directory with what the last builds of the same feeds needed, and learns from it when the build
 * has made an image. See farm/packages/larder.ts for what may be believed of it.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { isCachedName, type Served } from '../packages/larder.ts';
import type { PackageWay } from './package-way.ts';
import type { PrivateTree } from './private-tree.ts';
import type { Workshop } from './workshop.ts';

const DOWNLOADS = 'dl';
/** What a build that is after our time may leave there. */
const MAX_ENTRIES = 5000;
const MAX_FILE_BYTES = 512 * 1024 ** 2;

/** What cannot be had now, the build fetches by itself. */
export async function stockTree(tree: PrivateTree, way: PackageWay, { packages }: Workshop): Promise<void> {
  const editions = await way.editions();
  const stocked = editions.flatMap((edition) => packages.larder.of(edition));
  if (stocked.length === 0) return;
  const directory = path.join(tree.changes, DOWNLOADS);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  await Promise.all(stocked.map(({ name, sha256 }) => packages.store.copyTo(sha256, path.join(directory, name))));
}

/** To be called when the build has ended well and nothing of it runs. What was stocked was not served, and is known anyway. */
export async function learnFromTree(tree: PrivateTree, way: PackageWay, { packages }: Workshop): Promise<void> {
  const directory = path.join(tree.changes, DOWNLOADS);
  // A link would lead to a directory of the node's.
  if (!(await lstat(directory).catch(() => null))?.isDirectory()) return;
  const names = (await readdir(directory)).slice(0, MAX_ENTRIES);
  const served = way.served;
  for (const name of names) {
    const candidates = candidatesFor(name, served);
    if (candidates.length === 0) continue;
    const sha256 = await digestOf(path.join(directory, name));
    const origin = candidates.find((candidate) => candidate.sha256 === sha256);
    if (origin) packages.larder.learn(origin.edition, { name, sha256: origin.sha256 });
  }
}

function candidatesFor(name: string, served: ReadonlyMap<string, readonly Served[]>): readonly Served[] {
  const files = [name, name.replace(/\.[0-9a-f]{8}\.apk$/, '.apk')];
  return files.flatMap((file) => (isCachedName(name, file) ? (served.get(file) ?? []) : []));
}

/** Null for what is no file of a package's size. */
async function digestOf(file: string): Promise<string | null> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (handle === null) return null;
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > MAX_FILE_BYTES) return null;
    const hash = createHash('sha256');
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk);
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

/**
 * The index of one directory of packages, whatever its era. `Packages` is read first: it says where an ABI begins and what
 * else a package provides. Where there is none (the apk era) `index.json` has bare names, but for one of version 1.
 */
import { type FeedIndex, parseIndexJson, parsePackagesText } from '../../shared/upstream/feed.ts';
import type { Sha256Sums } from '../../shared/upstream/sha256sums.ts';
import { parsed, type ReadFile, type Reading } from './reading.ts';

const FILES = ['Packages', 'index.json'] as const;
type IndexFile = (typeof FILES)[number];

export interface ReadIndex extends FeedIndex {
  readonly sha256: string;
  readonly file: IndexFile;
}

/**
 * `inside` is the directory's name as `sha256sums` writes paths; without sums each of `files` is asked for.
 * Null: there is no index, or an empty one. A mirror whose disk is full looks like that, and a feed of nothing is no loss.
 * @throws UpstreamTrouble
 */
export async function readIndex(
  reading: Reading,
  base: string,
  inside: string,
  sums: Sha256Sums | null,
  files: readonly IndexFile[] = FILES,
): Promise<ReadIndex | null> {
  // Where one is listed, the other is not there: that saves a question at each refresh.
  const isListed = files.some((file) => sums?.has(`${inside}/${file}`));
  for (const file of files) {
    const path = `${base}/${inside}/${file}`;
    const sha256 = sums?.get(`${inside}/${file}`);
    let read: ReadFile | null = null;
    if (sha256 !== undefined) read = await reading.readVouched(path, sha256);
    else if (!isListed) read = await reading.read(path);
    if (!read) continue;
    const { text, sha256: digest } = read;
    const index = parsed(path, () => (file === 'Packages' ? parsePackagesText(text) : parseIndexJson(text)));
    if (index.packages.size > 0) return { ...index, sha256: digest, file };
  }
  return null;
}

/** What a file system has left, and what a tree takes of it: blocks, since a sparse file takes less than it is long. */
import { lstat, readdir, statfs } from 'node:fs/promises';
import path from 'node:path';

/** For who is not root. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

const BLOCK_BYTES = 512;

/** Of a file or a whole tree; a file with several names counts once. What vanishes meanwhile, or is not there, is nothing. */
export async function bytesOnDisk(place: string): Promise<number> {
  const counted = new Set<number>();
  const measure = async (entry: string): Promise<number> => {
    const stat = await lstat(entry).catch(() => null);
    if (stat === null || counted.has(stat.ino)) return 0;
    if (stat.nlink > 1 && !stat.isDirectory()) counted.add(stat.ino);
    let bytes = stat.blocks * BLOCK_BYTES;
    if (stat.isDirectory())
      for (const name of await readdir(entry).catch(() => [])) bytes += await measure(path.join(entry, name));
    return bytes;
  };
  return await measure(place);
}

/**
 * Is the index of the packages that an ImageBuilder carries a whole one? opkg's is made by several programs of which make hears
 * the last one alone (`gzip … ; usign …`, and nothing is printed), so a disk that was full for a moment leaves half of one, and a
 * make that ended well. apk writes its own as a whole or not at all.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** Real ones have some hundred kilobytes, some megabytes unpacked. */
const MAX_BYTES = 64 * 1024 ** 2;

/** @param packages `packages/` of a tree in which foreign code ran, and runs no more; true where there is no index of opkg's */
export async function isIndexWhole(packages: string): Promise<boolean> {
  const [packed, signature] = await Promise.all([
    bytesOf(path.join(packages, 'Packages.gz')),
    bytesOf(path.join(packages, 'Packages.sig')),
  ]);
  if (signature?.length === 0) return false;
  if (packed === null) return true;
  return await promisify(gunzip)(packed, { maxOutputLength: MAX_BYTES }).then(
    () => true,
    () => false,
  );
}

/** Null where there is none; nothing for what is no plain file of such a size, and never what a link leads to. */
async function bytesOf(file: string): Promise<Buffer | null> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error) =>
    error.code === 'ENOENT' ? null : undefined,
  );
  if (!handle) return handle === null ? null : Buffer.alloc(0);
  try {
    const stat = await handle.stat();
    return stat.isFile() && stat.size <= MAX_BYTES ? await handle.readFile() : Buffer.alloc(0);
  } finally {
    await handle.close();
  }
}

/** What a file system has left, for who is not root. */
import { statfs } from 'node:fs/promises';

export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

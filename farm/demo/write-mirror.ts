/**
 * Bring a directory to what `mirrorFiles` says, so that somebody who reads it meanwhile never sees half a file: each
 * changed file is written beside its place and renamed into it. Between files there is a moment when they disagree
 * (a new index, an old `sha256sums`), as on a real mirror while it is being synchronised.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Files } from './feed-files.ts';

/** What may name other files comes after them: packages, then indexes, then sums, then signatures and the state. */
const lateNames = ['index.json', 'Packages', 'packages.adb', 'profiles.json', 'sha256sums', 'sha256sums.sig'];

/** The paths that were written or removed. */
export async function writeMirror(directory: string, files: Files): Promise<readonly string[]> {
  const changed: string[] = [];
  const inOrder = [...files.keys()].toSorted((one, other) => lateness(one) - lateness(other));
  for (const path of inOrder) {
    const bytes = files.get(path);
    const place = join(directory, path);
    if (bytes === undefined || (await isSame(place, bytes))) continue;
    await mkdir(dirname(place), { recursive: true });
    const beside = join(dirname(place), `.${process.pid}.part`);
    await writeFile(beside, bytes);
    await rename(beside, place);
    changed.push(path);
  }
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(join(directory, '/').length);
    if (!entry.isFile() || files.has(path)) continue;
    await rm(join(directory, path));
    changed.push(path);
  }
  return changed;
}

async function isSame(place: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return (await readFile(place)).equals(bytes);
  } catch {
    return false;
  }
}

function lateness(path: string): number {
  const name = path.split('/').at(-1) ?? '';
  return lateNames.findLastIndex((late) => name.startsWith(late)) + 1;
}

/**
 * A tree after foreign code ran in it. Warming runs the ImageBuilder's own programs with the tree in their hands; what the
 * node itself reads and writes there afterwards must still be a plain file or directory, not a link that leads out of it.
 */
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import path from 'node:path';
import { BuildError } from '../../shared/build/build-error.ts';
import { REPOSITORIES_FILE } from './era.ts';

/** Real ones have some ten lines. */
const MAX_REPOSITORIES_BYTES = 64 * 1024;

/** @throws BuildError `upstream_unavailable` */
export async function mustBePlain(tree: string): Promise<void> {
  for (const name of Object.values(REPOSITORIES_FILE)) await mustBe('file', path.join(tree, name));
  for (const name of ['keys', 'dl']) await mustBe('directory', path.join(tree, name));
}

async function mustBe(kind: 'file' | 'directory', entry: string): Promise<void> {
  const stat = await lstat(entry).catch(() => null);
  if (stat === null || (kind === 'file' ? stat.isFile() : stat.isDirectory())) return;
  throw notPlain(`its ${path.basename(entry)} is no plain ${kind}`);
}

/** Text of `repositories.conf` or `repositories`. @throws BuildError `upstream_unavailable` */
export async function readRepositories(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error) => {
    throw notPlain(`its ${path.basename(file)} cannot be read (${error.code})`);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > MAX_REPOSITORIES_BYTES)
      throw notPlain(`its ${path.basename(file)} is no file of at most ${MAX_REPOSITORIES_BYTES} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

const notPlain = (what: string): BuildError =>
  new BuildError(
    'upstream_unavailable',
    `Error: The ImageBuilder cannot be used: ${what}. This is not a fault of your request`,
  );

/**
 * The two kinds of ImageBuilder: opkg up to 24.10, apk from 25.12 and on snapshots. Told apart by the file that lists their
 * repositories, never by a version number: forks and 24.10 builds with apk exist.
 */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { BuildError } from '../../shared/build/build-error.ts';

export type Era = 'opkg' | 'apk';

export const REPOSITORIES_FILE = { opkg: 'repositories.conf', apk: 'repositories' } as const satisfies Record<
  Era,
  string
>;

/** @throws BuildError `upstream_unavailable` for a tree that is no ImageBuilder */
export async function detectEra(tree: string): Promise<Era> {
  for (const era of ['opkg', 'apk'] as const) if (await isThere(path.join(tree, REPOSITORIES_FILE[era]))) return era;
  throw new BuildError(
    'upstream_unavailable',
    'Error: What upstream offers as ImageBuilder has neither repositories.conf nor repositories. This is not a fault of your request',
  );
}

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

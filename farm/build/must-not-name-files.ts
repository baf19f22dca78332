/**
 * apk takes a word for the file of a package where it finds a file of that name, and an ImageBuilder's own directory, in which
 * it runs, has some (`rules.mk`). What apk says of these is what it says of a package that arrived broken: the mirror's fault,
 * tried again elsewhere and remembered nowhere, although no feed was asked. So such a name is what it would be without the file.
 */
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { Era } from '../imagebuilder/era.ts';
import { ImageBuilderFailure } from './image-builder-failure.ts';
import { selectionFailure } from './selection-failure.ts';

/** @throws ImageBuilderFailure `unknown_package` */
export async function mustNotNameFiles(era: Era, tree: string, names: readonly string[]): Promise<void> {
  if (era !== 'apk') return;
  const isFile = await Promise.all(names.map((name) => isFileAt(path.join(tree, name))));
  const failure = selectionFailure({ missing: names.filter((_, at) => isFile[at]), conflicting: [] });
  if (failure) throw new ImageBuilderFailure(failure, { stdout: '', stderr: '' });
}

const isFileAt = (file: string): Promise<boolean> =>
  lstat(file).then(
    (entry) => !entry.isDirectory(),
    () => false,
  );

/**
 * Removes what a hostile program wrote. `fs.rm` cannot: it gives up at directories nested deeper than a path can be long, and
 * at those closed to their own owner, and a node would keep such a workspace until its disk is full.
 */
import { rm } from 'node:fs/promises';
import { execa } from 'execa';

/** Follows no link. What is not there is removed. @throws what the file system throws, when it cannot be removed at all */
export async function removeTree(directory: string): Promise<void> {
  const byNode = () => rm(directory, { recursive: true, force: true, maxRetries: 3 });
  try {
    await byNode();
  } catch {
    // Both walk by open directories instead of by paths.
    const options = { reject: false, stdio: 'ignore' } as const;
    await execa('chmod', ['-R', 'u+rwX', '--', directory], options);
    await execa('rm', ['-rf', '--', directory], options);
    await byNode();
  }
}

/**
 * The workspaces of builds, as the budget sees them: one that a build is in counts and stays; one that a build left behind,
 * because it could not be removed when the build ended, is tried again when room is needed.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { removeWorkspace } from '../build/workspace.ts';
import { bytesOnDisk } from './free-space.ts';
import type { Shelf, ShelfEntry } from './shelf.ts';

export class WorkspaceShelf implements Shelf {
  readonly name = 'workspaces';
  readonly #stateDirectory: string;
  readonly #isRunning: (leaseId: string) => boolean;

  constructor(stateDirectory: string, isRunning: (leaseId: string) => boolean) {
    this.#stateDirectory = stateDirectory;
    this.#isRunning = isRunning;
  }

  async entries(): Promise<readonly ShelfEntry[]> {
    const directory = path.join(this.#stateDirectory, 'work');
    const found: ShelfEntry[] = [];
    for (const name of await readdir(directory).catch(() => [])) {
      const stats = await stat(path.join(directory, name)).catch(() => null);
      if (stats === null) continue;
      const bytes = await bytesOnDisk(path.join(directory, name));
      found.push({ name, bytes, lastUsedMs: stats.mtimeMs, inUse: this.#isRunning(name) });
    }
    return found;
  }

  async remove(name: string): Promise<void> {
    if (this.#isRunning(name)) throw new Error('a build is using it');
    await removeWorkspace(this.#stateDirectory, name);
  }
}

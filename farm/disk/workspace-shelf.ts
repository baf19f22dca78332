/**
 * The workspaces of builds, as the budget sees them: one that a build is in counts and stays; one that a build left behind,
 * because it could not be removed when the build ended, is tried again when room is needed.
 *
 * A running build's workspace is not counted when somebody asks, which is before each build and each lease: the fence's
 * watchdog looks at it anyway, and says here what it saw. Until then it counts as the room that its build was promised.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { removeWorkspace } from '../build/workspace.ts';
import { bytesOnDisk } from './disk-usage.ts';
import type { Shelf, ShelfEntry } from './shelf.ts';

export class WorkspaceShelf implements Shelf {
  readonly name = 'workspaces';
  readonly #stateDirectory: string;
  /** Bytes of those that are somebody's, by lease. */
  readonly #occupied = new Map<string, number>();

  constructor(stateDirectory: string) {
    this.#stateDirectory = stateDirectory;
  }

  /** Until it is given up, whoever looks for room leaves this workspace alone. */
  occupy(leaseId: string): void {
    this.#occupied.set(leaseId, 0);
  }

  giveUp(leaseId: string): void {
    this.#occupied.delete(leaseId);
  }

  saw(leaseId: string, bytes: number): void {
    if (this.#occupied.has(leaseId)) this.#occupied.set(leaseId, bytes);
  }

  seenBytes(leaseId: string): number {
    return this.#occupied.get(leaseId) ?? 0;
  }

  async entries(): Promise<readonly ShelfEntry[]> {
    const directory = path.join(this.#stateDirectory, 'work');
    const found: ShelfEntry[] = [];
    for (const name of await readdir(directory).catch(() => [])) {
      const inUse = this.#occupied.has(name);
      const stats = await stat(path.join(directory, name)).catch(() => null);
      if (stats === null) continue;
      const bytes = inUse ? this.seenBytes(name) : await bytesOnDisk(path.join(directory, name));
      found.push({ name, bytes, lastUsedMs: stats.mtimeMs, inUse });
    }
    return found;
  }

  async remove(name: string): Promise<void> {
    if (this.#occupied.has(name)) throw new Error('a build is using it');
    await removeWorkspace(this.#stateDirectory, name);
  }
}

/**
 * `<state>/downloads`: archives on their way to become trees, named by their sha256; `.part` until they are whole. They are
 * worth keeping for a while: a node that is killed in the middle goes on where it was, and does not fetch again what it has.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import type { Shelf, ShelfEntry } from '../disk/shelf.ts';

const RESUMABLE_MS = 7 * 24 * 3_600_000;

export class DownloadShelf implements Shelf {
  readonly name = 'downloads';
  readonly #directory: string;
  readonly #running = new Set<string>();

  constructor(stateDirectory: string) {
    this.#directory = path.join(stateDirectory, 'downloads');
  }

  archiveOf(sha256: string): string {
    return path.join(this.#directory, sha256);
  }

  /** Its files stay until it is disposed of. One at a time for each. */
  async use(sha256: string): Promise<Disposable> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    this.#running.add(sha256);
    return { [Symbol.dispose]: () => void this.#running.delete(sha256) };
  }

  async entries(): Promise<readonly ShelfEntry[]> {
    const found: ShelfEntry[] = [];
    for (const name of await this.#names()) {
      const stats = await stat(path.join(this.#directory, name)).catch(() => null);
      if (stats === null) continue;
      const inUse = this.#running.has(sha256Of(name));
      found.push({ name, bytes: stats.blocks * 512, lastUsedMs: stats.mtimeMs, inUse });
    }
    return found;
  }

  async remove(name: string): Promise<void> {
    if (!isSha256Hex(sha256Of(name))) throw new Error(`expected the name of a download, got ${JSON.stringify(name)}`);
    if (this.#running.has(sha256Of(name))) throw new Error('it is in use');
    await rm(path.join(this.#directory, name), { force: true });
  }

  /** At the start: what became a tree already, and what nobody came back for within a week. */
  async sweep(isUnpacked: (sha256: string) => Promise<boolean>, tell: (line: string) => void): Promise<void> {
    for (const { name, lastUsedMs } of await this.entries())
      if (Date.now() - lastUsedMs > RESUMABLE_MS || (await isUnpacked(sha256Of(name))))
        await this.remove(name).catch((error) => tell(`the download ${name} cannot be removed: ${error.message}`));
  }

  async #names(): Promise<string[]> {
    return (await readdir(this.#directory).catch(() => [])).filter((name) => isSha256Hex(sha256Of(name)));
  }
}

const sha256Of = (name: string): string => name.replace(/\.part$/, '');

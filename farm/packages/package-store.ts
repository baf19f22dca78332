/**
 * Files by their sha256, `<state>/packages/<first 2 digits>/<digest>`: packages and indexes, whichever mirror they came from.
 * A file gets its name when it is whole and its digest is taken, by renaming, so a killed node leaves no half one. A power
 * cut can (nothing is synced, for there are hundreds of small files a build), and disks rot: so the first use after a
 * start takes the digest again. Without that, one bad file would fail every build that wants it, for ever.
 */
import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import type { Shelf, ShelfEntry } from '../disk/shelf.ts';
import { sha256OfFile } from '../sha256-of-file.ts';

/** A file that is being read; it counts as in use until it is released. */
export interface HeldFile {
  readonly sizeBytes: number;
  readonly handle: FileHandle;
  release(): Promise<void>;
}

interface Listed {
  readonly bytes: number;
  lastUsedMs: number;
}

/** Half-written files; the only other directory beside those of two digits and what the proxy knows about mirrors. */
const INCOMING = 'incoming';
const LAST_USE_STEP_MS = 60_000;
/** As a build's copy of it has to be; nobody else gets past the store's own directory. */
export const FILE_MODE = 0o644;

export class PackageStore implements Shelf {
  readonly name = 'packages';
  readonly #directory: string;
  readonly #sound = new Set<string>();
  readonly #uses = new Map<string, number>();
  /** All that is there, read once: looking for room, before each build, must not ask a disk for ten thousand files. */
  #listed: Promise<Map<string, Listed>> | null = null;
  #temporaries = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes the directory and removes what a killed node left half-written. One node a directory. */
  static async open(directory: string): Promise<PackageStore> {
    const incoming = path.join(directory, INCOMING);
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    return new PackageStore(directory);
  }

  /** A name for a file that is being written, on the store's own file system. */
  temporaryPath(): string {
    return path.join(this.#directory, INCOMING, String(++this.#temporaries));
  }

  /** Takes a whole file whose digest was taken while it was written. */
  async adopt(temporaryPath: string, sha256: string): Promise<void> {
    const place = this.#pathOf(sha256);
    await mkdir(path.dirname(place), { recursive: true, mode: 0o700 });
    const { size } = await stat(temporaryPath);
    // Listed first: what is read of the directory at this moment may or may not hold it.
    const listed = await this.#list();
    await rename(temporaryPath, place);
    listed.set(sha256, { bytes: size, lastUsedMs: Date.now() });
    this.#sound.add(sha256);
  }

  /** Its digest. */
  async put(bytes: Uint8Array): Promise<string> {
    const sha256 = sha256OfBytes(bytes);
    if (await this.has(sha256)) return sha256;
    const temporary = this.temporaryPath();
    try {
      await writeFile(temporary, bytes, { mode: FILE_MODE });
      await this.adopt(temporary, sha256);
    } finally {
      await rm(temporary, { force: true });
    }
    return sha256;
  }

  /** True where it is there and sound. */
  async has(sha256: string): Promise<boolean> {
    return (await this.sizeOf(sha256)) !== null;
  }

  /** In bytes; null where it is not there, or not sound. */
  async sizeOf(sha256: string): Promise<number | null> {
    const entry = await this.#stat(sha256);
    if (entry === null || this.#sound.has(sha256)) return entry?.size ?? null;
    const got = await sha256OfFile(this.#pathOf(sha256)).catch(nullWhereMissing);
    // Removed since it was looked for: nobody has said yet that it is wanted.
    if (got === null) return null;
    if (got === sha256) this.#sound.add(sha256);
    else await this.#drop(sha256);
    return got === sha256 ? entry.size : null;
  }

  /** Null where it is not there, or not sound. */
  async hold(sha256: string): Promise<HeldFile | null> {
    // Counted before it is looked for, so that nobody makes room of it in between.
    const release = this.#use(sha256);
    try {
      if (!(await this.has(sha256))) return release();
      const handle = await open(this.#pathOf(sha256), 'r');
      try {
        const { size, mtimeMs } = await handle.stat();
        await this.#touch(sha256, mtimeMs);
        return {
          sizeBytes: size,
          handle,
          release: async () => {
            release();
            await handle.close();
          },
        };
      } catch (error) {
        await handle.close();
        throw error;
      }
    } catch (error) {
      release();
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Null where it is not there, or not sound. */
  async read(sha256: string): Promise<Buffer | null> {
    const held = await this.hold(sha256);
    if (held === null) return null;
    try {
      return await held.handle.readFile();
    } finally {
      await held.release();
    }
  }

  /** A copy of it, or nothing where it is not there. Never over or through what is there. */
  async copyTo(sha256: string, target: string): Promise<void> {
    const flags = constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL;
    await this.#withFile(sha256, (file) => copyFile(file, target, flags));
  }

  /** A second name for it, where nobody can write through that. */
  async linkTo(sha256: string, target: string): Promise<void> {
    await this.#withFile(sha256, (file) => link(file, target));
  }

  /** As few calls as can be: each build has some hundred. */
  async #withFile(sha256: string, use: (file: string) => Promise<void>): Promise<void> {
    const release = this.#use(sha256);
    try {
      if (!this.#sound.has(sha256) && !(await this.has(sha256))) return;
      await use(this.#pathOf(sha256));
      const listed = (await this.#list()).get(sha256);
      if (listed !== undefined) await this.#touch(sha256, listed.lastUsedMs);
    } catch (error) {
      if (!isMissing(error)) throw error;
    } finally {
      release();
    }
  }

  /** Takes the digest again before the next use: somebody found these bytes wanting. */
  doubt(sha256: string): void {
    this.#sound.delete(sha256);
  }

  async entries(): Promise<ShelfEntry[]> {
    const listed = await this.#list();
    return [...listed].map(([name, { bytes, lastUsedMs }]) => ({
      name,
      bytes,
      lastUsedMs,
      inUse: this.#uses.has(name),
    }));
  }

  #list(): Promise<Map<string, Listed>> {
    this.#listed ??= this.#readAll().catch((error) => {
      this.#listed = null;
      throw error;
    });
    return this.#listed;
  }

  async #readAll(): Promise<Map<string, Listed>> {
    const found = new Map<string, Listed>();
    for (const prefix of await readdir(this.#directory)) {
      if (!/^[0-9a-f]{2}$/.test(prefix)) continue;
      for (const name of await readdir(path.join(this.#directory, prefix))) {
        const entry = isSha256Hex(name) ? await this.#stat(name) : null;
        if (entry !== null) found.set(name, { bytes: entry.size, lastUsedMs: entry.mtimeMs });
      }
    }
    return found;
  }

  /** @throws Error where it is in use, or cannot be removed */
  async remove(name: string): Promise<void> {
    if (!isSha256Hex(name)) throw new Error(`expected a sha256 of 64 hex digits, got ${JSON.stringify(name)}`);
    if (this.#uses.has(name)) throw new Error(`expected a file that nobody reads, got ${name}`);
    this.#sound.delete(name);
    await this.#drop(name);
  }

  async #drop(sha256: string): Promise<void> {
    await rm(this.#pathOf(sha256), { force: true });
    (await this.#list()).delete(sha256);
  }

  #pathOf(sha256: string): string {
    return path.join(this.#directory, sha256.slice(0, 2), sha256);
  }

  async #stat(sha256: string): Promise<Stats | null> {
    return await stat(this.#pathOf(sha256)).catch(nullWhereMissing);
  }

  async #touch(sha256: string, mtimeMs: number): Promise<void> {
    const now = Date.now();
    if (Math.abs(now - mtimeMs) < LAST_USE_STEP_MS) return;
    const listed = (await this.#list()).get(sha256);
    if (listed) listed.lastUsedMs = now;
    // A disk that takes no more writes can still be read.
    await utimes(this.#pathOf(sha256), now / 1000, now / 1000).catch(() => {});
  }

  #use(sha256: string): () => null {
    this.#uses.set(sha256, (this.#uses.get(sha256) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return null;
      isOver = true;
      const left = (this.#uses.get(sha256) ?? 1) - 1;
      if (left === 0) this.#uses.delete(sha256);
      else this.#uses.set(sha256, left);
      return null;
    };
  }
}

export const sha256OfBytes = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

function nullWhereMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}

/**
 * The unpacked ImageBuilders of a node: `<state>/imagebuilders/<sha256>`, named by the digest that upstream signed, so that
 * equal names are equal bytes. Under that name there is a whole tree or none, whatever was killed when: trees come by a
 * rename (unpack.ts) and go by one.
 *
 * The trees keep the modes of the archive. Taking the write bits away would not stop root, and would reach every build with
 * the copy or the overlay, where the ImageBuilder must rewrite its own files; what keeps a build from writing here is that
 * it works in a copy, or sees this through a read-only lower.
 *
 * Only the process that holds the state directory's lock may change anything here; whoever reads needs no lock.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { bytesOnDisk } from '../disk/disk-usage.ts';
import type { Shelf, ShelfEntry } from '../disk/shelf.ts';
import { removeTree } from '../fence/remove-tree.ts';
import { type ImageBuilderRecord, readRecord, writeRecord } from './imagebuilder-record.ts';

export interface ShelvedImageBuilder {
  readonly sha256: string;
  /** Path of the tree. */
  readonly tree: string;
  readonly bytes: number;
  readonly lastUsedMs: number;
  /** By a build of this process. */
  readonly inUse: boolean;
  /** Null: lost; it is vouched for anew when it is used next. */
  readonly record: ImageBuilderRecord | null;
}

const UNPACKING = '.unpacking';
const REMOVING = '.removing';

export class ImageBuilderShelf implements Shelf {
  readonly name = 'ImageBuilders';
  readonly #directory: string;
  /** sha256 → how many hold it. */
  readonly #holders = new Map<string, number>();

  constructor(stateDirectory: string) {
    this.#directory = path.join(stateDirectory, 'imagebuilders');
  }

  treeOf(sha256: string): string {
    if (!isSha256Hex(sha256)) throw new Error(`expected a sha256 of 64 hex digits, got ${JSON.stringify(sha256)}`);
    return path.join(this.#directory, sha256);
  }

  async has(sha256: string): Promise<boolean> {
    return await stat(this.treeOf(sha256)).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
  }

  /** Until it is disposed of, the tree is not removed; to be taken before it is looked for. */
  use(sha256: string): Disposable {
    this.#holders.set(sha256, (this.#holders.get(sha256) ?? 0) + 1);
    this.#touch(sha256);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        const others = (this.#holders.get(sha256) ?? 1) - 1;
        if (others > 0) this.#holders.set(sha256, others);
        else this.#holders.delete(sha256);
        this.#touch(sha256);
      },
    };
  }

  async record(sha256: string): Promise<ImageBuilderRecord | null> {
    return await readRecord(this.#recordOf(sha256));
  }

  /** Writes down whose word a tree is here by. */
  async vouch(sha256: string, facts: Omit<ImageBuilderRecord, 'bytes'>): Promise<void> {
    await writeRecord(this.#recordOf(sha256), { ...facts, bytes: await bytesOnDisk(this.treeOf(sha256)) });
  }

  /** What else is known of a tree, as `<sha256>.<suffix>`; goes when the tree goes. */
  async keepBeside(sha256: string, suffix: 'info', text: string): Promise<void> {
    const file = `${this.treeOf(sha256)}.${suffix}`;
    await writeFile(`${file}.new`, text, { flush: true });
    await rename(`${file}.new`, file);
  }

  /** Makes the directory that trees are unpacked into. */
  async prepare(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
  }

  /** The most recently used first. */
  async list(): Promise<readonly ShelvedImageBuilder[]> {
    const found: ShelvedImageBuilder[] = [];
    for (const sha256 of (await this.#names()).filter(isSha256Hex)) {
      const tree = this.treeOf(sha256);
      const record = await this.record(sha256);
      // The tree's own time is the archive's: without a record it was last used long ago, and goes first.
      const times = await stat(record ? this.#recordOf(sha256) : tree).catch(() => null);
      if (times === null) continue;
      const bytes = record?.bytes ?? (await bytesOnDisk(tree));
      found.push({ sha256, tree, bytes, lastUsedMs: times.mtimeMs, inUse: this.#holders.has(sha256), record });
    }
    return found.sort((one, other) => other.lastUsedMs - one.lastUsedMs);
  }

  /** What takes room here: trees, and what is on its way to become one or to be gone. */
  async entries(): Promise<readonly ShelfEntry[]> {
    const trees = (await this.list()).map(({ sha256, ...rest }) => ({ ...rest, name: sha256 }));
    const passing: ShelfEntry[] = [];
    for (const name of await this.#names()) {
      if (!name.endsWith(UNPACKING) && !name.endsWith(REMOVING)) continue;
      const bytes = await bytesOnDisk(path.join(this.#directory, name));
      passing.push({ name, bytes, lastUsedMs: 0, inUse: name.endsWith(UNPACKING) });
    }
    return [...trees, ...passing];
  }

  /** A tree by its sha256, or what an earlier removal left. @throws Error where it is in use, or nothing of that name is here */
  async remove(name: string): Promise<void> {
    if (!name.endsWith(REMOVING)) return await this.#removeTree(name);
    if (path.basename(name) !== name) throw new Error(`expected a name, got ${JSON.stringify(name)}`);
    await removeTree(path.join(this.#directory, name));
  }

  /**
   * At the start: what a crash left half unpacked or half removed is removed, and what stood beside a tree that is gone.
   * What cannot be removed is told and left: it must not keep the node away.
   */
  async sweep(tell: (line: string) => void): Promise<void> {
    const names = await this.#names();
    const trees = new Set(names.filter(isSha256Hex));
    for (const name of names) {
      const [sha256 = '', ...suffix] = name.split('.');
      if (!isSha256Hex(sha256) || suffix.length === 0) continue;
      // Beside a tree that is whole lie its record and what else is known of it; with more than one dot, drafts of those.
      const isDraft = suffix.length > 1 || [UNPACKING, REMOVING].includes(`.${suffix[0]}`);
      if (trees.has(sha256) && !isDraft) continue;
      await removeTree(path.join(this.#directory, name)).catch((error) =>
        tell(`${name} cannot be removed: ${error.message}`),
      );
    }
    for (const sha256 of trees)
      if ((await this.record(sha256)) === null)
        tell(`nothing is known of the ImageBuilder ${sha256}: it is vouched for anew when it is used next`);
  }

  async #removeTree(sha256: string): Promise<void> {
    const tree = this.treeOf(sha256);
    if (!(await lstat(tree).catch(() => null))) throw new Error(`there is no ImageBuilder ${sha256}`);
    const leaving = `${tree}.${randomBytes(6).toString('hex')}${REMOVING}`;
    // At once, without anything in between: a build that asks a moment later finds no tree and no record, and fetches both.
    if (this.#holders.has(sha256)) throw new Error(`the ImageBuilder ${sha256} is in use`);
    renameSync(tree, leaving);
    for (const name of readdirSync(this.#directory))
      if (name.startsWith(`${sha256}.`) && !name.endsWith(REMOVING)) rmSync(path.join(this.#directory, name), REMOVAL);
    await removeTree(leaving);
  }

  #recordOf(sha256: string): string {
    return `${this.treeOf(sha256)}.json`;
  }

  #touch(sha256: string): void {
    try {
      const now = new Date();
      utimesSync(this.#recordOf(sha256), now, now);
    } catch {
      // Not here yet, or no longer: then there is no use to remember.
    }
  }

  async #names(): Promise<string[]> {
    return await readdir(this.#directory).catch(() => []);
  }
}

const REMOVAL = { recursive: true, force: true, maxRetries: 3 } as const;

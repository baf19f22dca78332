/**
 * Which file a mirror gave under which name, so that a restarted node need not ask again. A line of JSON a file, appended, in
 * one text file for each edition of a feed: it needs no migration and no transaction, a torn last line is a file that is
 * fetched once more, and hundreds of rows a build need no sync each, as they would in the node's database. Nothing in here is
 * believed for itself: the bytes are found by digest, and what is no digest anywhere else is judged by apk or opkg.
 */
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isSha256Hex, sha256Hex } from '../../shared/crypto/digest.ts';

export interface LedgerEntry {
  readonly sha256: string;
  /** To ask with whether it is still the same; absent where nobody will. */
  readonly etag?: string;
  readonly lastModified?: string;
}

/** What a ledger is about, part by part: kind, namespace, URL, digest of the edition. */
export type LedgerScope = readonly string[];

/** Editions in memory; a build has some eight feeds. */
const MAX_REMEMBERED = 256;
const UNUSED_MS = 90 * 24 * 3_600_000;
const TIDY_MS = 24 * 3_600_000;

export class FileLedger {
  readonly #directory: string;
  readonly #remembered = new Map<string, Promise<Map<string, LedgerEntry>>>();
  #tidiedAt = performance.now();

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<FileLedger> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory))
      if (name.endsWith('.new')) await rm(path.join(directory, name), { force: true });
    const ledger = new FileLedger(directory);
    await ledger.#tidy();
    return ledger;
  }

  /** Removes what nobody looked into for three months: snapshots make a new edition of each feed every day. */
  async #tidy(): Promise<void> {
    const now = Date.now();
    for (const name of await readdir(this.#directory)) {
      const file = path.join(this.#directory, name);
      // What is in memory is looked into there.
      if (this.#remembered.has(file)) await utimes(file, now / 1000, now / 1000).catch(() => {});
      const times = await stat(file).catch(() => null);
      if (times && now - times.mtimeMs > UNUSED_MS) await rm(file, { force: true });
    }
  }

  /** A node may run for a year without a start. */
  async #tidyDaily(): Promise<void> {
    if (performance.now() - this.#tidiedAt < TIDY_MS) return;
    this.#tidiedAt = performance.now();
    await this.#tidy().catch(() => {});
  }

  async find(scope: LedgerScope, name: string): Promise<LedgerEntry | null> {
    return (await this.#entries(scope)).get(name) ?? null;
  }

  async record(scope: LedgerScope, name: string, entry: LedgerEntry): Promise<void> {
    (await this.#entries(scope)).set(name, entry);
    // The newline comes first: it ends what a full disk may have torn. What cannot be written is fetched again another day.
    await appendFile(this.#fileOf(scope), `\n${JSON.stringify({ name, ...entry })}`, { mode: 0o600 }).catch(() => {});
    await this.#tidyDaily();
  }

  async forget(scope: LedgerScope, names: Iterable<string>): Promise<void> {
    const entries = await this.#entries(scope);
    for (const name of names) entries.delete(name);
    const file = this.#fileOf(scope);
    const lines = [...entries].map(([name, entry]) => `\n${JSON.stringify({ name, ...entry })}`);
    try {
      await writeFile(`${file}.new`, lines.join(''), { mode: 0o600 });
      await rename(`${file}.new`, file);
    } catch {
      // Without room for a shorter one: none at all is right as well.
      await rm(file, { force: true });
    }
  }

  #fileOf(scope: LedgerScope): string {
    return path.join(this.#directory, sha256Hex(JSON.stringify(scope)));
  }

  async #entries(scope: LedgerScope): Promise<Map<string, LedgerEntry>> {
    const file = this.#fileOf(scope);
    const entries = this.#remembered.get(file) ?? readEntries(file);
    this.#remembered.delete(file);
    this.#remembered.set(file, entries);
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > MAX_REMEMBERED && !oldest.done) this.#remembered.delete(oldest.value);
    return await entries;
  }
}

async function readEntries(file: string): Promise<Map<string, LedgerEntry>> {
  const entries = new Map<string, LedgerEntry>();
  const text = await readFile(file, 'utf8').catch(() => '');
  const now = Date.now() / 1000;
  await utimes(file, now, now).catch(() => {});
  for (const line of text.split('\n')) {
    const read = parseLine(line);
    if (read !== null) entries.set(read.name, read.entry);
  }
  return entries;
}

function parseLine(line: string): { name: string; entry: LedgerEntry } | null {
  try {
    const { name, sha256, etag, lastModified } = JSON.parse(line);
    if (typeof name !== 'string' || typeof sha256 !== 'string' || !isSha256Hex(sha256)) return null;
    return {
      name,
      entry: {
        sha256,
        ...(typeof etag === 'string' ? { etag } : {}),
        ...(typeof lastModified === 'string' ? { lastModified } : {}),
      },
    };
  } catch {
    return null;
  }
}

/**
 * Which file a build gets for what it asks: of its own feeds, each in one edition for as long as the build lasts. An index that
 * changed between two questions of one build would name packages that the other does not.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Era } from '../imagebuilder/era.ts';
import type { EditionFile, EditionFiles } from './edition-files.ts';
import type { FeedContents } from './feed-contents.ts';
import type { Edition, FeedEditions } from './feed-editions.ts';
import type { FileLedger } from './file-ledger.ts';
import type { Larder, Served, Stocked } from './larder.ts';
import type { HeldFile, PackageStore } from './package-store.ts';
import type { IndexFile, ProxiedFeed } from './proxied-feed.ts';
import type { ProxyPath } from './proxy-path.ts';

export interface DoorFilesOptions {
  readonly era: Era;
  readonly feeds: ReadonlyMap<string, ProxiedFeed>;
  readonly store: PackageStore;
  readonly ledger: FileLedger;
  readonly editions: FeedEditions;
  readonly files: EditionFiles;
  readonly larder: Larder;
  readonly signal: AbortSignal;
}

export type ServedFile = { readonly isFetched: boolean } & (
  | { readonly held: HeldFile }
  | { readonly bytes: Uint8Array }
);

interface Resolved {
  readonly edition: Edition;
  /** Keeps the index in the store until the door closes. */
  readonly held: HeldFile | null;
}

/** A build installs some hundred packages; one that wants them all is after our disk. */
const MAX_FETCHES = 5000;

export class DoorFiles {
  readonly #options: DoorFilesOptions;
  readonly #resolved = new Map<string, Promise<Resolved>>();
  readonly #unverified = new Map<string, NonNullable<EditionFile['unverified']>>();
  readonly #used = new Set<string>();
  readonly #served = new Map<string, Served>();
  readonly #compressed = new Map<string, Promise<Uint8Array>>();
  #fetches = 0;

  constructor(options: DoorFilesOptions) {
    this.#options = options;
  }

  /**
   * Null: this build has no such file. A held file is the caller's to release.
   * @throws UpstreamFault; BuildError `disk_full`; what the file system throws; the signal's reason
   */
  async get(path: ProxyPath): Promise<ServedFile | null> {
    const feed = this.#options.feeds.get(path.id);
    if (feed === undefined) return null;
    const isFirst = !this.#resolved.has(path.id);
    const { edition } = await this.#resolve(feed);
    const isFetched = isFirst && edition.witness !== null;
    if (path.kind === 'index') return await this.#index(edition, path.file, isFetched);
    return await this.#held(() => this.#package(edition, path.file));
  }

  async contents(id: string): Promise<FeedContents | null> {
    const feed = this.#options.feeds.get(id);
    return feed === undefined ? null : await this.#options.editions.contents((await this.#resolve(feed)).edition);
  }

  /** What this build was given by upstream's own indexes. */
  get served(): readonly Served[] {
    return [...this.#served.values()];
  }

  /**
   * What this build may have without asking, and may be distrusted like all else that it was given. Nothing of foreign
   * repositories: they would have a word in what is called what.
   */
  async stock(): Promise<readonly Stocked[]> {
    const { feeds, files, larder, ledger } = this.#options;
    const own = [...feeds.values()].filter(({ isForeign }) => !isForeign);
    const keys = await Promise.all(
      own
        .map(async (feed) => await files.keyOf((await this.#resolve(feed)).edition))
        .map((key) => key.catch(() => null)),
    );
    const stocked: Stocked[] = [];
    for (const each of larder.for(keys.filter((key) => key !== null))) {
      const { unverified, sha256 } = each;
      if (unverified !== null && (await ledger.find(unverified.scope, unverified.name))?.sha256 !== sha256) continue;
      this.#given(each);
      stocked.push(each);
    }
    return stocked;
  }

  urlOf({ id, file }: { readonly id: string; readonly file: string }): string {
    return `${this.#options.feeds.get(id)?.url ?? ''}/${file}`;
  }

  async distrust(): Promise<void> {
    const { ledger, store, editions, feeds, era } = this.#options;
    for (const { scope, name } of this.#unverified.values()) await ledger.forget(scope, [name]);
    for (const feed of feeds.values()) if (feed.pin === null) await editions.forget(feed, era);
    for (const sha256 of this.#used) store.doubt(sha256);
    await this.release();
  }

  /** Of the indexes; they are looked for anew when they are wanted again. */
  async release(): Promise<void> {
    const resolved = await Promise.allSettled(this.#resolved.values());
    this.#resolved.clear();
    for (const each of resolved) if (each.status === 'fulfilled') await each.value.held?.release();
  }

  async #index(edition: Edition, file: IndexFile, isFetched: boolean): Promise<ServedFile> {
    const { files, signal } = this.#options;
    if (file === 'Packages' || file === 'Packages.gz') this.#used.add(edition.sha256);
    if (file === 'Packages.gz') return { bytes: await this.#compress(edition.sha256), isFetched };
    const served = await this.#held(async () =>
      file === 'Packages'
        ? { sha256: edition.sha256, isFetched, unverified: null }
        : await files.companion(edition, signal),
    );
    if (served === null) throw new Error(`the index ${edition.sha256} was removed while it was in use`);
    return { ...served, isFetched: served.isFetched || isFetched };
  }

  /** Once for this build: whoever asks again and again, and does not read, must not fill the node's memory. */
  #compress(sha256: string): Promise<Uint8Array> {
    const known = this.#compressed.get(sha256);
    if (known) return known;
    const compressing = (async () => {
      const text = await this.#options.store.read(sha256);
      if (text === null) throw new Error(`the index ${sha256} was removed while it was in use`);
      // Made anew, since the pin is of the text; not compressed, since nobody is far away.
      return await promisify(gzip)(text, { level: 0 });
    })();
    this.#compressed.set(sha256, compressing);
    compressing.catch(() => this.#compressed.delete(sha256));
    return compressing;
  }

  async #package(edition: Edition, file: string): Promise<EditionFile | null> {
    const { files, signal } = this.#options;
    if (this.#fetches >= MAX_FETCHES) throw new Error(`expected at most ${MAX_FETCHES} packages for a build`);
    const found = await files.package(edition, file, signal);
    if (found?.isFetched) this.#fetches++;
    if (found !== null) await this.#serve(edition, file, found);
    return found;
  }

  /** Only what belongs to an index of upstream's; see larder.ts. */
  async #serve(edition: Edition, file: string, { sha256, unverified }: EditionFile): Promise<void> {
    const { store, files } = this.#options;
    const key = edition.feed.isForeign ? null : await files.keyOf(edition);
    const sizeBytes = key === null ? null : await store.sizeOf(sha256);
    if (key === null || sizeBytes === null) return;
    this.#served.set(JSON.stringify([key, file]), { edition: key, file, sha256, sizeBytes, unverified });
  }

  #given({ sha256, unverified }: Pick<EditionFile, 'sha256' | 'unverified'>): void {
    this.#used.add(sha256);
    if (unverified !== null) this.#unverified.set(JSON.stringify(unverified), unverified);
  }

  /** What is removed between its being found and its being opened is fetched once more. */
  async #held(find: () => Promise<EditionFile | null>): Promise<(ServedFile & { readonly held: HeldFile }) | null> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const found = await find();
      if (found === null) return null;
      const { sha256, isFetched } = found;
      this.#given(found);
      const held = await this.#options.store.hold(sha256);
      if (held !== null) return { held, isFetched };
    }
    throw new Error('a file was removed as soon as it was stored');
  }

  async #resolve(feed: ProxiedFeed): Promise<Resolved> {
    const known = this.#resolved.get(feed.id);
    if (known !== undefined) return await known;
    const { editions, era, store, signal } = this.#options;
    const resolving = editions
      .resolve(feed, era, signal)
      .then(async (edition) => ({ edition, held: await store.hold(edition.sha256) }));
    this.#resolved.set(feed.id, resolving);
    // A mirror that failed may be back when opkg asks again.
    resolving.catch(() => this.#resolved.delete(feed.id));
    return await resolving;
  }
}

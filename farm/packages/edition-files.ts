/**
 * The files that go with an edition of a feed: what signs or is its index, and its packages. Which of them belong together is
 * not written in all of them, and a mirror changes under our hands: a signature of tomorrow's index beside today's would fail
 * every build of today, for ever, since we remember.
 */
import { CollapsedWork } from './collapsed-work.ts';
import type { Edition, FeedEditions } from './feed-editions.ts';
import { UpstreamFault } from './fetch-file.ts';
import type { FileLedger, LedgerScope } from './file-ledger.ts';
import type { PackageStore } from './package-store.ts';
import type { ProxyCounters } from './proxy-counters.ts';
import { MAX_INDEX_BYTES, MAX_PACKAGE_BYTES, type StoredFile, type Upstream } from './upstream.ts';

/** A file that a build may have. */
export interface EditionFile {
  readonly sha256: string;
  /** False where the store had it. */
  readonly isFetched: boolean;
  /** Where it stands that this file is the one, if nothing but its mirror's word says so; null: its digest was known. */
  readonly unverified: { readonly scope: LedgerScope; readonly name: string } | null;
}

const COMPANIONS = { opkg: 'Packages.sig', apk: 'packages.adb' } as const;

export interface EditionFilesOptions {
  readonly store: PackageStore;
  readonly ledger: FileLedger;
  readonly upstream: Upstream;
  readonly editions: FeedEditions;
  readonly counters: ProxyCounters;
}

export class EditionFiles {
  readonly #options: EditionFilesOptions;
  readonly #fetching: CollapsedWork<EditionFile>;

  constructor(options: EditionFilesOptions) {
    this.#options = options;
    this.#fetching = new CollapsedWork(options.counters);
  }

  /**
   * `Packages.sig`, or `packages.adb`. Fetched between two looks at what names the edition: where both show the pinned one, so
   * did the mirror in between. What belongs to an edition is remembered and never asked for again.
   * @throws UpstreamFault; BuildError `disk_full`; what the file system throws; the signal's reason
   */
  async companion(edition: Edition, signal: AbortSignal): Promise<EditionFile> {
    if (edition.kind === 'packages.adb') return { sha256: edition.sha256, isFetched: false, unverified: null };
    const { feed, sha256, era } = edition;
    const { isForeign } = feed;
    const name = COMPANIONS[era];
    const unverified = { scope: scopeOf('companion', edition, sha256), name };
    return await this.#remembered(unverified, signal, async (shared) => {
      const { editions, upstream } = this.#options;
      const isThere = async () => await editions.isThere(edition, edition.witness, shared);
      const url = `${feed.url}/${name}`;
      if (edition.witness !== null || (await isThere())) {
        const stored = await upstream.store({ url, maxBytes: MAX_INDEX_BYTES, isForeign, signal: shared });
        if (await isThere()) return stored;
      }
      throw new UpstreamFault(url, `the mirror has moved on from the index ${sha256}, which it belongs to`, 'refused');
    });
  }

  /** By what index its packages are known: the one that the package manager itself reads. Null: nobody has asked for that yet. */
  async keyOf(edition: Edition): Promise<string | null> {
    if (edition.era === 'opkg') return edition.sha256;
    if (edition.kind === 'packages.adb') return JSON.stringify(scopeOf('package', edition, edition.sha256));
    const known = await this.#options.ledger.find(scopeOf('companion', edition, edition.sha256), COMPANIONS.apk);
    return known === null ? null : JSON.stringify(scopeOf('package', edition, known.sha256));
  }

  /**
   * Null: it is not in the edition's index (opkg), so no build can mean it.
   * @throws as `companion` does
   */
  async package(edition: Edition, file: string, signal: AbortSignal): Promise<EditionFile | null> {
    return edition.era === 'opkg'
      ? await this.#indexedPackage(edition, file, signal)
      : await this.#namedPackage(edition, file, signal);
  }

  /** Its digest is in the index. */
  async #indexedPackage(edition: Edition, file: string, signal: AbortSignal): Promise<EditionFile | null> {
    const contents = await this.#options.editions.contents(edition);
    const listed = contents?.kind === 'opkg' ? contents.files.get(file) : undefined;
    if (listed === undefined) return null;
    const { sha256, sizeBytes } = listed;
    const { isForeign } = edition.feed;
    const { store, upstream } = this.#options;
    const url = `${edition.feed.url}/${file}`;
    if (sizeBytes > MAX_PACKAGE_BYTES)
      throw new UpstreamFault(url, `expected at most ${MAX_PACKAGE_BYTES} bytes, got ${sizeBytes}`, 'refused');
    const storedBytes = await store.sizeOf(sha256);
    const gotBytes =
      storedBytes ?? (await upstream.store({ url, sha256, maxBytes: sizeBytes, isForeign, signal })).sizeBytes;
    if (gotBytes !== sizeBytes) throw new UpstreamFault(url, `expected ${sizeBytes} bytes, got ${gotBytes}`, 'refused');
    return { sha256, isFetched: storedBytes === null, unverified: null };
  }

  /** apk's index is binary and signed; apk itself holds each package to it. */
  async #namedPackage(edition: Edition, file: string, signal: AbortSignal): Promise<EditionFile> {
    const index = await this.companion(edition, signal);
    const { isForeign } = edition.feed;
    const url = `${edition.feed.url}/${file}`;
    const unverified = { scope: scopeOf('package', edition, index.sha256), name: file };
    return await this.#remembered(unverified, signal, (shared) =>
      this.#options.upstream.store({ url, maxBytes: MAX_PACKAGE_BYTES, isForeign, signal: shared }),
    );
  }

  async #remembered(
    unverified: { readonly scope: LedgerScope; readonly name: string },
    signal: AbortSignal,
    fetch: (signal: AbortSignal) => Promise<StoredFile>,
  ): Promise<EditionFile> {
    const { ledger, store } = this.#options;
    const { scope, name } = unverified;
    const known = await ledger.find(scope, name);
    if (known !== null && (await store.has(known.sha256)))
      return { sha256: known.sha256, isFetched: false, unverified };
    return await this.#fetching.run(JSON.stringify([scope, name]), signal, async (shared) => {
      const { sha256 } = await fetch(shared);
      await ledger.record(scope, name, { sha256 });
      return { sha256, isFetched: true, unverified };
    });
  }
}

/** Foreign repositories have a namespace of their own: theirs is another's word about what a URL holds. */
const scopeOf = (kind: 'companion' | 'package', { feed }: Edition, sha256: string): LedgerScope => [
  kind,
  feed.isForeign ? 'foreign' : '',
  feed.url,
  sha256,
];

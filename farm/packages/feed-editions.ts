/**
 * Which edition of a feed's index a build gets: the one that was pinned when it was leased, and no other. Upstream rebuilds
 * feeds under the same names; an image made from tomorrow's index would not be the one whose packages were checked, and two
 * nodes would not make the same. A pinned edition that is in the store needs no mirror at all.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Era } from '../imagebuilder/era.ts';
import { CollapsedWork } from './collapsed-work.ts';
import { ContentsMemory, type FeedContents, readContents } from './feed-contents.ts';
import { UpstreamFault, type Validators } from './fetch-file.ts';
import type { FileLedger, LedgerScope } from './file-ledger.ts';
import { type PackageStore, sha256OfBytes } from './package-store.ts';
import type { ProxiedFeed } from './proxied-feed.ts';
import type { ProxyCounters } from './proxy-counters.ts';
import { MAX_INDEX_BYTES, type Upstream } from './upstream.ts';

/**
 * The files that tell which edition a mirror has, the first one that is there counts. `Packages.gz` stands for the text in it.
 * A foreign repository of the apk era may have nothing but `packages.adb`.
 */
const WITNESSES = { opkg: ['Packages.gz', 'Packages'], apk: ['index.json', 'packages.adb'] } as const;

export type WitnessFile = (typeof WITNESSES)[Era][number];

export interface Edition {
  readonly feed: ProxiedFeed;
  readonly era: Era;
  /** Of the plain `Packages`, of `index.json`, or of `packages.adb` where there is nothing else. */
  readonly sha256: string;
  /** Which of these it is. */
  readonly kind: 'Packages' | 'index.json' | 'packages.adb';
  /** What the mirror said when it was asked just now; null where it was not. */
  readonly witness: Witness | null;
}

export interface Witness {
  readonly file: WitnessFile;
  readonly validators: Validators;
}

interface ReadWitness extends Witness {
  readonly sha256: string;
  readonly bytes: Buffer;
}

export interface EditionsOptions {
  readonly store: PackageStore;
  readonly ledger: FileLedger;
  readonly upstream: Upstream;
  readonly counters: ProxyCounters;
}

export class FeedEditions {
  readonly #options: EditionsOptions;
  readonly #contents = new ContentsMemory();
  readonly #resolving: CollapsedWork<Edition>;

  constructor(options: EditionsOptions) {
    this.#options = options;
    this.#resolving = new CollapsedWork(options.counters);
  }

  /** @throws UpstreamFault; BuildError `disk_full`; what the file system throws; the signal's reason */
  async resolve(feed: ProxiedFeed, era: Era, signal: AbortSignal): Promise<Edition> {
    const { url, pin, isForeign } = feed;
    return await this.#resolving.run(JSON.stringify([era, isForeign, url, pin]), signal, async (shared) =>
      pin === null ? await this.#newest(feed, era, shared) : await this.#pinned(feed, pin, era, shared),
    );
  }

  /** Null for an edition that is known by `packages.adb` alone. */
  async contents(edition: Edition): Promise<FeedContents | null> {
    if (edition.kind === 'packages.adb') return null;
    const remembered = this.#contents.find(edition.sha256);
    if (remembered !== null) return remembered;
    const text = await this.#options.store.read(edition.sha256);
    if (text === null) throw new Error(`the index ${edition.sha256} was removed while it was in use`);
    return this.#read(edition.feed, edition.kind, edition.sha256, text);
  }

  /**
   * True where the mirror has this edition at this moment.
   * @throws as `resolve` does
   */
  async isThere(edition: Edition, witness: Witness | null, signal: AbortSignal): Promise<boolean> {
    const { feed, era, sha256 } = edition;
    if (witness !== null) {
      const read = await this.#readWitness(feed, witness.file, signal, witness.validators);
      return read === 'unchanged' || read.sha256 === sha256;
    }
    for (const file of WITNESSES[era]) {
      if (kindOf(file) !== edition.kind) continue;
      const read = await this.#readWitness(feed, file, signal).catch(nullWhereMissing);
      if (read !== null && read !== 'unchanged' && read.sha256 === sha256) return true;
    }
    return false;
  }

  /** What an unpinned feed was when it was last looked at. */
  async forget(feed: ProxiedFeed, era: Era): Promise<void> {
    await this.#options.ledger.forget(newestScope(feed), WITNESSES[era]);
  }

  async #pinned(feed: ProxiedFeed, pin: string, era: Era, signal: AbortSignal): Promise<Edition> {
    const kind = era === 'opkg' ? 'Packages' : 'index.json';
    if (await this.#options.store.has(pin)) return { feed, era, sha256: pin, kind, witness: null };
    let fault: UpstreamFault | null = null;
    for (const file of WITNESSES[era]) {
      // In the apk era a pin is of index.json, and of nothing else.
      if (file === 'packages.adb') continue;
      const read = await this.#readWitness(feed, file, signal).catch((error) => {
        if (!(error instanceof UpstreamFault) || isUnreachable(error)) throw error;
        fault ??= error;
        return null;
      });
      if (read === null || read === 'unchanged') continue;
      // While a mirror is being synchronised, the two forms of one index may be of different days.
      if (read.sha256 === pin) return await this.#keep(feed, era, read);
      fault = new UpstreamFault(
        `${feed.url}/${file}`,
        `expected the index that was pinned (sha256 ${pin}), got ${read.sha256}: the mirror has moved on`,
        'refused',
      );
    }
    throw fault;
  }

  /** As upstream has it now. What it had before is served where nobody answers: a release's feed is better late than never. */
  async #newest(feed: ProxiedFeed, era: Era, signal: AbortSignal): Promise<Edition> {
    const { ledger, store, counters } = this.#options;
    let fault: unknown = null;
    for (const file of WITNESSES[era]) {
      const last = await ledger.find(newestScope(feed), file);
      const hasLast = last !== null && (await store.has(last.sha256));
      try {
        const read = await this.#readWitness(feed, file, signal, hasLast ? last : undefined);
        if (read !== 'unchanged') {
          const edition = await this.#keep(feed, era, read);
          await ledger.record(newestScope(feed), file, { sha256: read.sha256, ...read.validators });
          return edition;
        }
        if (hasLast) return { feed, era, sha256: last.sha256, kind: kindOf(file), witness: { file, validators: last } };
      } catch (error) {
        fault ??= error;
        if (hasLast && !feed.isForeign && isUnreachable(error)) {
          counters.stale++;
          return { feed, era, sha256: last.sha256, kind: kindOf(file), witness: null };
        }
        nullWhereMissing(error);
      }
    }
    throw fault;
  }

  async #keep(feed: ProxiedFeed, era: Era, read: ReadWitness): Promise<Edition> {
    const { bytes, sha256, file, validators } = read;
    const kind = kindOf(file);
    if (kind !== 'packages.adb') this.#read(feed, kind, sha256, bytes);
    await this.#options.store.put(bytes);
    return { feed, era, sha256, kind, witness: { file, validators } };
  }

  #read(feed: ProxiedFeed, kind: 'Packages' | 'index.json', sha256: string, text: Buffer): FeedContents {
    try {
      const contents = readContents(kind, text.toString('utf8'));
      this.#contents.keep(sha256, contents);
      return contents;
    } catch (error) {
      throw new UpstreamFault(`${feed.url}/${kind}`, `it is no index: ${(error as Error).message}`, 'refused');
    }
  }

  async #readWitness(
    feed: ProxiedFeed,
    file: WitnessFile,
    signal: AbortSignal,
    unless?: Validators,
  ): Promise<ReadWitness | 'unchanged'> {
    const { isForeign } = feed;
    const url = `${feed.url}/${file}`;
    const fetched = await this.#options.upstream.read({ url, maxBytes: MAX_INDEX_BYTES, isForeign, unless, signal });
    if (fetched.state === 'unchanged') return 'unchanged';
    const bytes = file === 'Packages.gz' ? await plainText(url, fetched.bytes) : fetched.bytes;
    return { file, bytes, sha256: sha256OfBytes(bytes), validators: fetched.validators };
  }
}

const newestScope = (feed: ProxiedFeed): LedgerScope => ['newest', feed.isForeign ? 'foreign' : '', feed.url];

const kindOf = (file: WitnessFile): Edition['kind'] => (file === 'Packages.gz' ? 'Packages' : file);

const isUnreachable = (error: unknown): boolean =>
  error instanceof UpstreamFault && (error.state === 'silent' || error.state === 'passing');

function nullWhereMissing(error: unknown): null {
  if (error instanceof UpstreamFault && error.state === 'missing') return null;
  throw error;
}

/** Some servers call a `.gz` a compressed transfer, and what arrives is plain already. */
async function plainText(url: string, bytes: Buffer): Promise<Buffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: MAX_INDEX_BYTES });
  } catch (error) {
    const isTooLarge = error instanceof RangeError;
    const what = isTooLarge ? `it unpacks to more than ${MAX_INDEX_BYTES} bytes` : 'it cannot be unpacked';
    throw new UpstreamFault(url, what, 'refused', { cause: error });
  }
}

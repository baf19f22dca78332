/**
 * The one way from the proxy to mirrors: what is fetched is in the store afterwards, or nothing is. Asks a bounded number of
 * things at once, asks for one thing once however many builds want it, and leaves a host alone that does not answer.
 */
import { readFile, rm } from 'node:fs/promises';
import { BuildError } from '../../shared/build/build-error.ts';
import { openSlots, type Slots } from '../../shared/http/slots.ts';
import { isRepositoryAllowed } from '../../shared/request/repository-allow-list.ts';
import type { FeedOptIn } from '../../shared/trust/foreign-feeds.ts';
import { DOWNLOAD_LIMITS, type DownloadLimits } from '../imagebuilder/download.ts';
import { AS_USUAL, type MayLead } from '../imagebuilder/redirects.ts';
import { CollapsedWork } from './collapsed-work.ts';
import { type FetchedFile, type FileWish, fetchFile, UpstreamFault, type Validators } from './fetch-file.ts';
import type { PackageStore } from './package-store.ts';
import type { ProxyCounters } from './proxy-counters.ts';
import { QuietHosts } from './quiet-hosts.ts';
import { RoomAllowance } from './room-allowance.ts';

export const MAX_PACKAGE_BYTES = 512 * 1024 ** 2;
export const MAX_INDEX_BYTES = 64 * 1024 ** 2;

/** Fetches of one host, so that a slow one keeps nobody from the others. */
const AT_ONCE = 8;
/** For what does not say its size beforehand; larger than nearly all packages. */
const USUAL_BYTES = 16 * 1024 ** 2;

export interface UpstreamOptions {
  readonly store: PackageStore;
  readonly counters: ProxyCounters;
  readonly limits?: Partial<DownloadLimits> | undefined;
  /** Below which URLs foreign feeds lie, and may lead; null or absent: nothing is said. */
  readonly foreignFeeds?: FeedOptIn | undefined;
  /** Hosts inside to which a mirror inside may redirect; no foreign feed ever does. */
  readonly mirrorRedirectsTo?: readonly string[] | undefined;
  readonly quietHosts?: QuietHosts | undefined;
  /** False: there is no room for so many bytes, and none could be made. */
  readonly makeRoom?: ((neededBytes: number) => Promise<boolean>) | undefined;
}

export interface StoredFile {
  readonly sha256: string;
  readonly sizeBytes: number;
}

export type FetchedBytes =
  | { readonly state: 'unchanged' }
  | { readonly state: 'fetched'; readonly bytes: Buffer; readonly validators: Validators };

export class Upstream {
  readonly #store: PackageStore;
  readonly #counters: ProxyCounters;
  readonly #limits: DownloadLimits;
  readonly #quiet: QuietHosts;
  readonly #room: RoomAllowance;
  readonly #foreignFeeds: FeedOptIn;
  readonly #mirrorRedirectsTo: readonly string[];
  /** By host; there are as many as an operator allows repositories of. */
  readonly #slots = new Map<string, Slots>();
  readonly #storing: CollapsedWork<StoredFile>;

  constructor(options: UpstreamOptions) {
    this.#store = options.store;
    this.#counters = options.counters;
    this.#storing = new CollapsedWork(options.counters);
    this.#limits = { ...DOWNLOAD_LIMITS, ...options.limits };
    this.#quiet = options.quietHosts ?? new QuietHosts();
    this.#foreignFeeds = options.foreignFeeds ?? null;
    this.#mirrorRedirectsTo = options.mirrorRedirectsTo ?? [];
    this.#room = new RoomAllowance(options.makeRoom ?? (async () => true));
  }

  /**
   * Into the store. Those who ask for the same URL and digest at the same time share the fetch; one of them that gives up
   * takes it from nobody.
   * @throws UpstreamFault; BuildError `disk_full`; what the file system throws; the signal's reason
   */
  async store(wish: Omit<FileWish, 'unless'>): Promise<StoredFile> {
    return await this.#storing.run(
      JSON.stringify([wish.isForeign ?? false, wish.url, wish.sha256 ?? '']),
      wish.signal,
      async (signal) =>
        this.#fetch({ ...wish, signal }, async (path, fetched) => {
          if (fetched.state === 'unchanged') throw new UpstreamFault(wish.url, 'it answered 304 unasked', 'refused');
          await this.#store.adopt(path, fetched.sha256);
          return { sha256: fetched.sha256, sizeBytes: fetched.sizeBytes };
        }),
    );
  }

  /** Into memory, for indexes. Throws as `store` does. */
  async read(wish: FileWish): Promise<FetchedBytes> {
    return await this.#fetch(wish, async (path, fetched) =>
      fetched.state === 'unchanged'
        ? fetched
        : { state: 'fetched', bytes: await readFile(path), validators: fetched.validators },
    );
  }

  async #fetch<Result>(wish: FileWish, use: (path: string, fetched: FetchedFile) => Promise<Result>): Promise<Result> {
    return await this.#slotsOf(wish.url)(async () => {
      wish.signal.throwIfAborted();
      const reason = this.#quiet.reason(wish.url);
      if (reason !== null) throw new UpstreamFault(wish.url, reason, 'silent');
      const roomBytes = wish.sha256 === undefined ? Math.min(wish.maxBytes, USUAL_BYTES) : wish.maxBytes;
      if (!(await this.#room.take(roomBytes))) throw new BuildError('disk_full');
      let usedBytes = 0;
      const temporary = this.#store.temporaryPath();
      try {
        const attempts = this.#quiet.isSuspect(wish.url) ? 1 : this.#limits.attempts;
        const fetched = await fetchFile(wish, temporary, { ...this.#limits, attempts }, this.#mayLead(wish));
        this.#quiet.answered(wish.url);
        if (fetched.state === 'fetched') usedBytes = fetched.sizeBytes;
        this.#counters.bytesFetched += usedBytes;
        return await use(temporary, fetched);
      } catch (error) {
        if (error instanceof UpstreamFault && error.state === 'silent') this.#quiet.keptSilent(wish.url, error.what);
        else if (error instanceof UpstreamFault) this.#quiet.answered(wish.url);
        throw error;
      } finally {
        this.#room.giveBack(roomBytes - usedBytes);
        await rm(temporary, { force: true });
      }
    });
  }

  /** An owner who opted in to one place has not opted in to wherever that sends him. */
  #mayLead({ isForeign }: FileWish): MayLead {
    if (!isForeign) return { insideTo: this.#mirrorRedirectsTo };
    const feeds = this.#foreignFeeds;
    return feeds === null ? AS_USUAL : { only: (url) => isRepositoryAllowed(url, feeds) };
  }

  #slotsOf(url: string): Slots {
    const { host } = new URL(url);
    const slots = this.#slots.get(host) ?? openSlots(AT_ONCE);
    this.#slots.set(host, slots);
    return slots;
  }
}

/**
 * The node's own caching proxy for packages, by which alone builds reach upstream. One for a node: what one build fetched, all
 * have; what a mirror no longer has, they still have; and what a mirror has instead of it, none gets.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { DownloadLimits } from '../imagebuilder/download.ts';
import type { Era } from '../imagebuilder/era.ts';
import { DoorFiles } from './door-files.ts';
import { EditionFiles } from './edition-files.ts';
import { FeedEditions } from './feed-editions.ts';
import { FileLedger } from './file-ledger.ts';
import { Larder } from './larder.ts';
import { PackageStore } from './package-store.ts';
import { FEED_ID, type ProxiedFeed } from './proxied-feed.ts';
import { noCounts, type ProxyCounters } from './proxy-counters.ts';
import { type DoorPlace, ProxyDoor } from './proxy-door.ts';
import { Upstream, type UpstreamOptions } from './upstream.ts';

export interface PackageProxyOptions
  extends Pick<UpstreamOptions, 'quietHosts' | 'makeRoom' | 'foreignFeeds' | 'mirrorRedirectsTo'> {
  readonly stateDirectory: string;
  readonly limits?: Partial<DownloadLimits> | undefined;
}

export interface ProxiedBuild {
  readonly leaseId: string;
  readonly era: Era;
  readonly feeds: readonly ProxiedFeed[];
  readonly at: DoorPlace;
  /** Closes the door. */
  readonly signal: AbortSignal;
}

/** opkg and apk give up by themselves after a minute; asking again is for them, not for us. */
const LIMITS: Partial<DownloadLimits> = { connectTimeoutMs: 15_000, idleTimeoutMs: 30_000, backoffMs: 500 };

export class PackageProxy {
  readonly counters: ProxyCounters = noCounts();
  readonly larder = new Larder();
  /** A shelf of the node's disk budget. */
  readonly store: PackageStore;
  readonly #ledger: FileLedger;
  readonly #editions: FeedEditions;
  readonly #files: EditionFiles;
  readonly #doors = new Set<ProxyDoor>();

  private constructor(options: PackageProxyOptions, store: PackageStore, ledger: FileLedger) {
    const { counters } = this;
    const limits = { ...LIMITS, ...options.limits };
    const upstream = new Upstream({ ...options, store, counters, limits });
    this.store = store;
    this.#ledger = ledger;
    this.#editions = new FeedEditions({ store, ledger, upstream, counters });
    this.#files = new EditionFiles({ store, ledger, upstream, counters, editions: this.#editions });
  }

  /** One for a state directory: what looks half-written in it is removed. */
  static async start(options: PackageProxyOptions): Promise<PackageProxy> {
    const directory = path.join(options.stateDirectory, 'packages');
    const store = await PackageStore.open(directory);
    return new PackageProxy(options, store, await FileLedger.open(path.join(directory, 'known')));
  }

  /** @throws Error for feeds that are none, or a machine on which nobody can listen; the signal's reason */
  async open(build: ProxiedBuild): Promise<ProxyDoor> {
    build.signal.throwIfAborted();
    const feeds = feedsById(build);
    const { era, at } = build;
    const controller = new AbortController();
    const { store, counters } = this;
    const files = new DoorFiles({
      era,
      feeds,
      store,
      ledger: this.#ledger,
      editions: this.#editions,
      files: this.#files,
      larder: this.larder,
      signal: controller.signal,
    });
    // On loopback any user of the machine could ask, and be told what is built here.
    const prefix = at === 'loopback' ? `/${randomBytes(16).toString('hex')}` : '';
    const door = new ProxyDoor({ era, files, counters, prefix, controller });
    if (at === 'loopback') await door.listenOnLoopback();
    const close = () => void door.close();
    this.#doors.add(door);
    build.signal.addEventListener('abort', close, { once: true });
    controller.signal.addEventListener('abort', () => {
      build.signal.removeEventListener('abort', close);
      this.#doors.delete(door);
    });
    if (build.signal.aborted) close();
    return door;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#doors].map((door) => door.close()));
  }
}

function feedsById({ leaseId, feeds }: ProxiedBuild): Map<string, ProxiedFeed> {
  const byId = new Map<string, ProxiedFeed>();
  for (const feed of feeds) {
    const isHttp = /^https?:$/.test(URL.parse(feed.url)?.protocol ?? '') && !feed.url.endsWith('/');
    if (!FEED_ID.test(feed.id) || !isHttp || byId.has(feed.id))
      throw new Error(`${leaseId}: expected feeds with names of their own and http URLs, got ${feed.id} ${feed.url}`);
    byId.set(feed.id, feed);
  }
  return byId;
}

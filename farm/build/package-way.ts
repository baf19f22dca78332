/**
 * A build's way to packages: its door at the node's package proxy. In a fence it is a port of the sandbox's own, and nothing
 * else is in reach; without one it is a port of this machine that nobody else can guess the path of.
 */
import type { Server } from 'node:net';
import type { Era } from '../imagebuilder/era.ts';
import { unproxied } from '../imagebuilder/repositories.ts';
import type { FeedContents } from '../packages/feed-contents.ts';
import type { Served, Stocked } from '../packages/larder.ts';
import type { ProxiedFeed } from '../packages/proxied-feed.ts';
import type { Trouble } from '../packages/proxy-trouble.ts';
import type { Workshop } from './workshop.ts';

export interface PackageWay {
  readonly era: Era;
  readonly address: string;
  /** Answers at a sandbox's listener; null: it is reached at a port of this machine. */
  readonly serve: ((listener: Server) => () => void) | null;
  readonly trouble: readonly Trouble[];
  /** Of each feed; null where its index cannot be read. */
  contents(): Promise<readonly (FeedContents | null)[]>;
  /** What its download directory may hold from the start; counts as given to it. */
  stock(): Promise<readonly Stocked[]>;
  readonly served: readonly Served[];
  /** Puts upstream's URLs back into what was printed. */
  tellable(text: string): string;
  distrust(): Promise<void>;
  close(): Promise<void>;
}

export async function packageWay(
  workshop: Workshop,
  build: {
    readonly era: Era;
    readonly leaseId: string;
    readonly feeds: readonly ProxiedFeed[];
    readonly signal: AbortSignal;
  },
): Promise<PackageWay> {
  const isFenced = workshop.fence.host !== null;
  const door = await workshop.packages.open({ ...build, at: isFenced ? 'listeners' : 'loopback' });
  return {
    era: build.era,
    address: door.address,
    serve: isFenced ? (listener) => door.serve(listener) : null,
    get trouble() {
      return door.trouble;
    },
    contents: () => Promise.all(build.feeds.map(({ id }) => door.packagesOf(id))),
    stock: () => door.stock(),
    get served() {
      return door.served;
    },
    tellable: (text) => unproxied(text, build.feeds, door.address),
    distrust: () => door.distrust(),
    close: () => door.close(),
  };
}

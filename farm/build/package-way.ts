/**
 * A build's way to packages: its door at the node's package proxy. In a fence it is a socket, and nothing else is in reach;
 * without one it is a port that nobody else can guess the path of.
 */
import { rm } from 'node:fs/promises';
import type { Era } from '../imagebuilder/era.ts';
import { unproxied } from '../imagebuilder/repositories.ts';
import type { FeedContents } from '../packages/feed-contents.ts';
import type { Served } from '../packages/larder.ts';
import type { ProxiedFeed } from '../packages/proxied-feed.ts';
import type { Trouble } from '../packages/proxy-trouble.ts';
import type { Workshop } from './workshop.ts';

export interface PackageWay {
  readonly era: Era;
  readonly address: string;
  /** Null: it is reached at a port of this machine. */
  readonly socketPath: string | null;
  readonly trouble: readonly Trouble[];
  /** Of each feed; null where its index cannot be read. */
  contents(): Promise<readonly (FeedContents | null)[]>;
  /** Digests of the indexes that the build is given, as far as they can be had. */
  editions(): Promise<readonly string[]>;
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
  const socketPath = workshop.fence.host === null ? null : workshop.newDoor();
  const door = await workshop.packages.open({
    ...build,
    listen: socketPath === null ? { loopback: true } : { socketPath },
  });
  return {
    era: build.era,
    address: door.address,
    socketPath,
    get trouble() {
      return door.trouble;
    },
    contents: () => Promise.all(build.feeds.map(({ id }) => door.packagesOf(id))),
    editions: async () => {
      const found = await Promise.all(build.feeds.map(({ id }) => door.editionOf(id)));
      return found.filter((edition) => edition !== null);
    },
    get served() {
      return door.served;
    },
    tellable: (text) => unproxied(text, build.feeds, door.address),
    distrust: () => door.distrust(),
    close: async () => {
      await door.close();
      if (socketPath !== null) await rm(socketPath, { force: true });
    },
  };
}

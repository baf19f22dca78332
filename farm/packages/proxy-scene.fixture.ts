/** What the proxy's tests share: the demo mirror served, a node's state directory, a proxy in it and doors to ask at. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { type DemoMirror, generateMirror } from '../demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../demo/mirror-server.ts';
import type { Era } from '../imagebuilder/era.ts';
import { newListener } from './new-listener.fixture.ts';
import { PackageProxy, type PackageProxyOptions } from './package-proxy.ts';
import { sha256OfBytes } from './package-store.ts';
import type { ProxiedFeed } from './proxied-feed.ts';
import type { ProxyDoor } from './proxy-door.ts';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly length: string | undefined;
}

export interface OpenDoor {
  readonly door: ProxyDoor;
  /** Of this machine, in the place of a sandbox's. */
  readonly port: number;
  /** `target` as the request line has it. */
  get(target: string, method?: string): Promise<Answer>;
}

/** The directories of one feed each that the tests use. */
export const FEED_PATH = {
  opkg: 'releases/24.10.2/packages/demo64/base',
  apk: 'releases/25.12.1/packages/demo64/base',
} as const;

export const PINNED_FILE = { opkg: 'Packages', apk: 'index.json' } as const;

/** Made once for a file of tests; each test has a copy of its own, to change as it likes. */
let template: Promise<DemoMirror> | undefined;

async function makeTemplate(): Promise<DemoMirror> {
  return await generateMirror({ directory: await mkdtemp(path.join(tmpdir(), 'proxy-template-')) });
}

afterAll(async () => {
  if (template !== undefined) await rm((await template).directory, { recursive: true, maxRetries: 5 });
});

export class ProxyScene {
  readonly base: string;
  readonly mirror: DemoMirror;
  server: MirrorServer;
  proxy: PackageProxy;
  readonly #controller = new AbortController();
  #doors = 0;

  private constructor(base: string, mirror: DemoMirror, server: MirrorServer, proxy: PackageProxy) {
    this.base = base;
    this.mirror = mirror;
    this.server = server;
    this.proxy = proxy;
  }

  static async open(options: Partial<PackageProxyOptions> = {}): Promise<ProxyScene> {
    const base = await mkdtemp(path.join(tmpdir(), 'proxy-'));
    template ??= makeTemplate();
    const mirror = { ...(await template), directory: path.join(base, 'mirror') };
    await cp((await template).directory, mirror.directory, { recursive: true });
    const server = await serveMirror(mirror.directory);
    const proxy = await PackageProxy.start({ stateDirectory: path.join(base, 'state'), ...options });
    return new ProxyScene(base, mirror, server, proxy);
  }

  /** As after a restart of the node. */
  async restart(options: Partial<PackageProxyOptions> = {}): Promise<void> {
    await this.proxy.close();
    this.proxy = await PackageProxy.start({ stateDirectory: path.join(this.base, 'state'), ...options });
  }

  async close(): Promise<void> {
    this.#controller.abort();
    await this.proxy.close();
    await this.server.close().catch(() => {});
    await rm(this.base, { recursive: true, maxRetries: 5 });
  }

  /** The base feed of an era, pinned to what the mirror has now unless told otherwise. */
  async feed(era: Era, more: Partial<ProxiedFeed> = {}): Promise<ProxiedFeed> {
    const pin = sha256OfBytes(await this.file(era, PINNED_FILE[era]));
    return { id: 'base', url: `${this.server.url}/${FEED_PATH[era]}`, pin, isForeign: false, ...more };
  }

  /** Of the base feed, on the mirror's disk. */
  async file(era: Era, name: string): Promise<Buffer> {
    return await readFile(path.join(this.mirror.directory, FEED_PATH[era], name));
  }

  async door(era: Era, ...feeds: readonly ProxiedFeed[]): Promise<OpenDoor> {
    const number = ++this.#doors;
    const leaseId = `lease-${number}`;
    const { signal } = this.#controller;
    const door = await this.proxy.open({ leaseId, era, feeds, at: 'listeners', signal });
    const { listener, port } = await newListener();
    door.serve(listener);
    return { door, port, get: (target, method) => ask(port, target, method) };
  }
}

export const ask = (port: number, target: string, method = 'GET'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request({ port, path: target, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks),
          length: response.headers['content-length'],
        }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });

/**
 * The proxy as one build has it: an HTTP server of its own that knows this build's feeds and answers for nothing else. Behind
 * it stands code of strangers, in packages and in ImageBuilders: all it can get are files of the mirrors that the order
 * names, as they were pinned.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as Listener } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { PROXY_PORT } from '../fence/inner-listener.ts';
import type { Era } from '../imagebuilder/era.ts';
import type { DoorFiles, ServedFile } from './door-files.ts';
import type { FeedContents } from './feed-contents.ts';
import type { Served, Stocked } from './larder.ts';
import type { ProxyCounters } from './proxy-counters.ts';
import { proxyPath } from './proxy-path.ts';
import { type Trouble, TroubleList, troubleOf } from './proxy-trouble.ts';

/** Where builds reach it: at listeners that it is handed, each in a sandbox, or at a port of this machine. */
export type DoorPlace = 'listeners' | 'loopback';

export interface ProxyDoorOptions {
  readonly era: Era;
  readonly files: DoorFiles;
  readonly counters: ProxyCounters;
  /** `''`, or a slash and a word: what a request's path begins with. */
  readonly prefix: string;
  /** Ends what the door still waits for. */
  readonly controller: AbortController;
}

/** opkg and apk ask one after another; far more than any of them needs. */
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8192;
const REQUEST_TIMEOUT_MS = 30_000;
/** Inside a sandbox. */
const FENCED_ADDRESS = `http://127.0.0.1:${PROXY_PORT}`;

const STATUS = { upstream_unavailable: 502, disk_full: 507, internal: 500 } as const;

export class ProxyDoor {
  readonly #options: ProxyDoorOptions;
  readonly #troubles = new TroubleList();
  /** A build may run several commands, each in a sandbox with a listener of its own. */
  readonly #servers = new Set<Server>();
  #address = FENCED_ADDRESS;
  #closing: Promise<void> | null = null;

  constructor(options: ProxyDoorOptions) {
    this.#options = options;
  }

  /** Where the build reaches it, a fenced one inside its fence; a feed's directory is `<address>/<id>`. */
  get address(): string {
    return this.#address;
  }

  /** What went wrong so far, the same thing once. */
  get trouble(): readonly Trouble[] {
    return this.#troubles.list;
  }

  /** Until what it gives is called, or the door closes; then the listener is closed too. */
  serve(listener: Listener): () => void {
    if (this.#closing !== null) {
      listener.close();
      return () => {};
    }
    const server = this.#newServer();
    server.on('error', () => {});
    server.listen(listener);
    return () => void end(server);
  }

  /** @throws Error where nobody can listen */
  async listenOnLoopback(): Promise<void> {
    const server = this.#newServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A machine that is short of something may refuse a connection; the node must not end for it.
    server.on('error', () => {});
    this.#address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${this.#options.prefix}`;
  }

  #newServer(): Server {
    const limits = { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_TIMEOUT_MS };
    const server = createServer(limits, (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    server.maxConnections = MAX_CONNECTIONS;
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
    return server;
  }

  /** Null: there is no such feed, its index cannot be had (and is among the troubles), or is of apk's own form alone. */
  async packagesOf(id: string): Promise<FeedContents | null> {
    try {
      return await this.#options.files.contents(id);
    } catch (error) {
      this.#trouble(error, { id, file: '' });
      return null;
    }
  }

  /** What the build would get here, and need not ask for; of a feed that cannot be had now nothing. */
  async stock(): Promise<readonly Stocked[]> {
    return await this.#options.files.stock();
  }

  get served(): readonly Served[] {
    return this.#options.files.served;
  }

  /**
   * Forgets all that this build was given on a mirror's word alone, since apk or opkg found something wanting: a bad copy would
   * else be served for ever. Takes the digests of what is kept once more.
   */
  async distrust(): Promise<void> {
    await this.#options.files.distrust();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#options.controller.abort(new Error('the build is over'));
    await Promise.all([...this.#servers].map(end));
    await this.#options.files.release();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { counters, era, prefix, files } = this.#options;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      counters.refused++;
      response.setHeader('Allow', 'GET, HEAD');
      return say(response, 405, 'expected GET or HEAD');
    }
    const path = proxyPath(request.url ?? '', prefix, era);
    let served: ServedFile | null;
    try {
      served = path && (await files.get(path));
    } catch (error) {
      counters.failed++;
      return this.#fail(response, this.#trouble(error, path ?? { id: '', file: '' }));
    }
    if (served === null) {
      counters.refused++;
      return say(response, 404, 'expected /<feed>/<file> with a feed of this build and a file of its index');
    }
    counters[served.isFetched ? 'misses' : 'hits']++;
    await this.#send(served, request, response);
  }

  async #send(served: ServedFile, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const sizeBytes = 'held' in served ? served.held.sizeBytes : served.bytes.length;
    try {
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': sizeBytes });
      if (request.method === 'HEAD') {
        response.end();
        return;
      }
      if (!served.isFetched) this.#options.counters.bytesFromCache += sizeBytes;
      if ('bytes' in served) response.end(served.bytes);
      else await pipeline(served.held.handle.createReadStream({ start: 0, autoClose: false }), response);
    } finally {
      if ('held' in served) await served.held.release();
    }
  }

  #trouble(error: unknown, asked: { readonly id: string; readonly file: string }): Trouble {
    const trouble = troubleOf(error, this.#options.files.urlOf(asked));
    // What ends with the build is nobody's fault.
    if (!this.#options.controller.signal.aborted) this.#troubles.add(trouble);
    return trouble;
  }

  #fail(response: ServerResponse, { url, what, kind }: Trouble): void {
    say(response, STATUS[kind], `${url}: ${what}`);
  }
}

async function end(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

/** Closes the connection: what follows a refused request on it (its body, for one) is not read. */
function say(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(response.req.method === 'HEAD' ? undefined : `${sentence}\n`);
}

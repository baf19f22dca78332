/**
 * The proxy as one build has it: an HTTP server of its own that knows this build's feeds and answers for nothing else. Behind
 * it stands code of strangers, in packages and in ImageBuilders: all it can get are files of the mirrors that the order
 * names, as they were pinned.
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { PROXY_PORT } from '../fence/fenced-command.ts';
import type { Era } from '../imagebuilder/era.ts';
import type { DoorFiles, ServedFile } from './door-files.ts';
import type { FeedContents } from './feed-contents.ts';
import type { Served } from './larder.ts';
import type { ProxyCounters } from './proxy-counters.ts';
import { proxyPath } from './proxy-path.ts';
import { type Trouble, TroubleList, troubleOf } from './proxy-trouble.ts';

export type Listen = { readonly socketPath: string } | { readonly loopback: true };

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
/** Where the fence shows a socket's door inside. */
const FENCED_ADDRESS = `http://127.0.0.1:${PROXY_PORT}`;
/** Of a unix socket's path, as the kernel has it, without the final zero. */
const MAX_SOCKET_PATH_BYTES = 107;

const STATUS = { upstream_unavailable: 502, disk_full: 507, internal: 500 } as const;

export class ProxyDoor {
  readonly #options: ProxyDoorOptions;
  readonly #troubles = new TroubleList();
  readonly #server: Server;
  #address = '';
  #closing: Promise<void> | null = null;

  constructor(options: ProxyDoorOptions) {
    this.#options = options;
    const limits = { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_TIMEOUT_MS };
    this.#server = createServer(limits, (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Where the build reaches it, a fenced one inside its fence; a feed's directory is `<address>/<id>`. */
  get address(): string {
    return this.#address;
  }

  /** What went wrong so far, the same thing once. */
  get trouble(): readonly Trouble[] {
    return this.#troubles.list;
  }

  /** @throws Error where nobody can listen there */
  async listen(where: Listen): Promise<void> {
    if ('socketPath' in where) {
      const { socketPath } = where;
      // The kernel would cut it, silently, and somebody else's build might find it.
      if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH_BYTES)
        throw new Error(`expected a path of at most ${MAX_SOCKET_PATH_BYTES} bytes for a socket, got ${socketPath}`);
      await rm(socketPath, { force: true });
      this.#server.listen(socketPath);
    } else {
      this.#server.listen(0, '127.0.0.1');
    }
    await once(this.#server, 'listening');
    // A machine that is short of something may refuse a connection; the node must not end for it.
    this.#server.on('error', () => {});
    this.#address =
      'socketPath' in where
        ? FENCED_ADDRESS
        : `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#options.prefix}`;
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

  /** Of an index that cannot be had now: null, and the build will be told why when it asks for it. */
  async editionOf(id: string): Promise<string | null> {
    return await this.#options.files.editionOf(id).catch(() => null);
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
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
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

/** Closes the connection: what follows a refused request on it (its body, for one) is not read. */
function say(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
  response.end(response.req.method === 'HEAD' ? undefined : `${sentence}\n`);
}

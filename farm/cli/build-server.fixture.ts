/**
 * A server of one build over a real socket, that behaves until a test takes an answer over: then it says and sends whatever a
 * broken, hostile or restarting server would.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { signUsign, type UsignKeyPair, usignKeyFromSeed } from '../../shared/crypto/usign.ts';
import { freePort } from '../stack/free-port.ts';

export interface Asked {
  /** `GET /store/…`. */
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** `nth` counts from 1, for each kind of question. */
type Answer = (response: ServerResponse, asked: Asked, nth: number) => void;

/** Where a test may answer instead. False: this time as ever. */
export type Part = 'post' | 'poll' | 'events' | 'store' | 'sums' | 'signature' | 'check';

export const HASH = 'ab'.repeat(32);
export const BIN_DIR = HASH;
export const IMAGE = 'openwrt-24.10.2-x86-64-generic-squashfs-sysupgrade.bin';

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export class BuildServer {
  readonly asked: Asked[] = [];
  readonly image = randomBytes(300_000);
  readonly key: UsignKeyPair;
  readonly #counts = new Map<Part, number>();
  #instead: Partial<Record<Part, (...call: Parameters<Answer>) => false | undefined>> = {};
  #server: Server;
  readonly #port: number;

  private constructor(key: UsignKeyPair, port: number) {
    this.key = key;
    this.#port = port;
    this.#server = this.#make();
  }

  static async start(): Promise<BuildServer> {
    // Not one that the kernel may give to somebody else while it is away.
    const server = new BuildServer(await usignKeyFromSeed(randomBytes(32)), await freePort());
    await server.listen();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Again on the same port, as a server that was restarted. */
  async listen(): Promise<void> {
    this.#server = this.#make();
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** `answer` gives false to let it be answered as ever. */
  instead(part: Part, answer: (...call: Parameters<Answer>) => unknown): void {
    this.#instead[part] = (...call) => (answer(...call) === false ? false : undefined);
  }

  lines(beginning = ''): string[] {
    return this.asked.map(({ line }) => line).filter((line) => line.startsWith(beginning));
  }

  done(more: object = {}): object {
    return {
      status: 200,
      detail: 'done',
      request_hash: HASH,
      bin_dir: BIN_DIR,
      images: [this.imageOf()],
      manifest: { luci: '25.1', 'base-files': '1637' },
      version_number: '24.10.2',
      version_code: 'r28739-d9340319c6',
      target: 'x86/64',
      id: 'generic',
      ...more,
    };
  }

  imageOf(more: object = {}): object {
    const [size, digest] = [this.image.length, sha256(this.image)];
    return { name: IMAGE, type: 'sysupgrade', filesystem: 'squashfs', sha256: digest, size, ...more };
  }

  #make(): Server {
    return createServer((request, response) => void this.#answer(request, response).catch(() => response.destroy()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const line = `${request.method} ${request.url}`;
    const asked = { line, headers: request.headers, body: Buffer.concat(chunks).toString() };
    this.asked.push(asked);
    const part = partOf(line);
    if (part === null) return json(response, 404, { status: 404, detail: 'no such page' });
    const nth = (this.#counts.get(part) ?? 0) + 1;
    this.#counts.set(part, nth);
    const instead = this.#instead[part];
    if (instead && instead(response, asked, nth) !== false) return;
    if (part === 'post') return json(response, 202, queued(2));
    if (part === 'poll') return json(response, 200, this.done());
    if (part === 'events') return void response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
    if (part === 'check') return void response.writeHead(204).end();
    if (part === 'sums') return void response.end(this.sums());
    if (part === 'signature') return void response.end(await signUsign(Buffer.from(this.sums()), this.key));
    this.sendImage(response, asked);
  }

  sums(): string {
    return `${sha256(this.image)} *${IMAGE}\n`;
  }

  sendImage(response: ServerResponse, { headers }: Asked): void {
    const first = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const { length } = this.image;
    const range = first > 0 ? { 'content-range': `bytes ${first}-${length - 1}/${length}` } : {};
    response.writeHead(first > 0 ? 206 : 200, {
      'content-length': length - first,
      etag: `"${sha256(this.image)}"`,
      ...range,
    });
    response.end(this.image.subarray(first));
  }
}

function partOf(line: string): Part | null {
  if (line === 'POST /api/v1/build') return 'post';
  if (line === 'POST /api/upgrade-check') return 'check';
  if (/^GET \/api\/v1\/build\/[0-9a-f]{64}\/events$/.test(line)) return 'events';
  if (/^GET \/api\/v1\/build\/[0-9a-f]{64}$/.test(line)) return 'poll';
  if (line.startsWith(`GET /store/${BIN_DIR}/`)) return 'store';
  if (line === `GET /download/${HASH.slice(0, 32)}/sha256sums`) return 'sums';
  if (line === `GET /download/${HASH.slice(0, 32)}/sha256sums.sig`) return 'signature';
  return null;
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** What a captive portal says to whatever it is asked. */
export const html = (response: ServerResponse): void => page(response, 200);

export function page(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<!doctype html><title>Welcome to our hotel</title>');
}

export const queued = (position: number): object => ({
  status: 202,
  detail: 'queued',
  request_hash: HASH,
  imagebuilder_status: 'queued',
  queue_position: position,
  eta_seconds: 40,
});

export const started = (step: string): object => ({
  status: 202,
  detail: 'started',
  request_hash: HASH,
  imagebuilder_status: step,
  eta_seconds: 20,
});

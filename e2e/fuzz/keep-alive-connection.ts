/**
 * One connection that is kept as long as the server keeps it, one request on it at a time. What the server sends beyond its
 * answer is seen here: a body after HEAD would be the next client's answer.
 */
import { connect, type Socket } from 'node:net';
import { bytesOf, isContradictory, type RawRequest } from './raw-request.ts';

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case; what comes twice is joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Bytes that belong to no answer. */
  readonly surplus: Buffer;
}

/** The server ended the connection before an answer was whole; what had come of it. */
export interface NoAnswer {
  readonly status: null;
  readonly received: Buffer;
}

const PATIENCE_MS = 30_000;
/** Of a stream that does not end by itself, so much is looked at. */
const STREAM_MS = 30;

export class KeepAliveConnection {
  readonly #port: number;
  #socket: Socket | null = null;
  #received: Buffer = Buffer.of();
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  /** @throws Error where the server is silent for half a minute */
  async exchange(request: RawRequest): Promise<RawAnswer | NoAnswer> {
    const isReused = this.#socket !== null && !this.#ended;
    const answer = await this.#exchange(request);
    // RFC 9112, 9.3.1: a server may end a kept connection just when the next request is on its way; the client asks again.
    const wasEnding = isReused && answer.status === null && answer.received.length === 0;
    return wasEnding ? this.#exchange(request) : answer;
  }

  async #exchange(request: RawRequest): Promise<RawAnswer | NoAnswer> {
    const socket = this.#open();
    socket.write(bytesOf(request));
    if (isContradictory(request)) socket.end();
    const answer = await this.#readAnswer(request.method);
    const isOver =
      answer.status === null ||
      answer.surplus.length > 0 ||
      this.#ended ||
      isContradictory(request) ||
      answer.headers.get('connection') === 'close';
    if (isOver) this.close();
    return answer;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #open(): Socket {
    if (this.#socket && !this.#ended) return this.#socket;
    this.#socket?.destroy();
    this.#received = Buffer.of();
    this.#ended = false;
    // Half open: who has said all may still listen.
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#socket = socket;
    socket.on('data', (bytes) => {
      if (this.#socket !== socket) return;
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
      this.#wake?.();
    });
    const end = () => {
      if (this.#socket !== socket) return;
      this.#ended = true;
      this.#wake?.();
    };
    // ECONNRESET where the server does not read the rest of a body is an end like any other.
    for (const event of ['end', 'close', 'error']) socket.on(event, end);
    return socket;
  }

  async #readAnswer(method: string): Promise<RawAnswer | NoAnswer> {
    for (;;) {
      const headBytes = await this.#until(() => this.#received.indexOf('\r\n\r\n'));
      if (headBytes < 0) return { status: null, received: this.#received };
      const head = this.#take(headBytes + 4).toString('latin1');
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
      // 100 Continue is on the way to an answer.
      if (status >= 100 && status < 200) continue;
      const headers = headersOf(head);
      const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
      const body = hasBody ? await this.#readBody(headers) : Buffer.of();
      if (body === null) return { status: null, received: Buffer.from(head, 'latin1') };
      if (!hasBody) await new Promise((resolve) => setImmediate(resolve));
      return { status, headers, body, surplus: this.#received };
    }
  }

  /** Null where it broke off. */
  async #readBody(headers: ReadonlyMap<string, string>): Promise<Buffer | null> {
    if (headers.get('content-type')?.startsWith('text/event-stream')) return this.#glance();
    const length = headers.get('content-length');
    if (length !== undefined) {
      const whole = await this.#until(() => (this.#received.length >= Number(length) ? 0 : -1));
      return whole < 0 ? null : this.#take(Number(length));
    }
    if (headers.get('transfer-encoding') === 'chunked') return this.#readChunks();
    await this.#until(() => -1);
    return this.#take(this.#received.length);
  }

  async #readChunks(): Promise<Buffer | null> {
    const chunks: Buffer[] = [];
    for (;;) {
      const lineBytes = await this.#until(() => this.#received.indexOf('\r\n'));
      if (lineBytes < 0) return null;
      const sizeBytes = Number.parseInt(this.#take(lineBytes + 2).toString('latin1'), 16);
      const whole = await this.#until(() => (this.#received.length >= sizeBytes + 2 ? 0 : -1));
      if (whole < 0) return null;
      chunks.push(this.#take(sizeBytes + 2).subarray(0, sizeBytes));
      if (sizeBytes === 0) return Buffer.concat(chunks);
    }
  }

  async #glance(): Promise<Buffer> {
    await new Promise((resolve) => setTimeout(resolve, STREAM_MS));
    this.#ended = true;
    return this.#take(this.#received.length);
  }

  #take(bytes: number): Buffer {
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  /** What `found` finds, once it is 0 or more; -1 when the connection ends before. */
  async #until(found: () => number): Promise<number> {
    for (;;) {
      const at = found();
      if (at >= 0 || this.#ended) return at;
      await new Promise<void>((resolve, reject) => {
        const silence = setTimeout(() => reject(new Error(`no byte for ${PATIENCE_MS} ms`)), PATIENCE_MS);
        this.#wake = () => {
          clearTimeout(silence);
          resolve();
        };
      });
      this.#wake = null;
    }
  }
}

function headersOf(head: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

/**
 * HTTP/1.1 over a bare socket, byte for byte as written. Every library adds headers of its own (`Connection`,
 * `Content-Length`, `Accept`), and that a server copes without them is what the replays of routers' clients have to show.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ClientFailure, NoAnswer } from './client-failure.ts';

export interface RawRequest {
  readonly method: string;
  /** Sent as it is: neither `//` nor anything else is tidied up. */
  readonly url: string;
  /** In the order sent; only the framing of the body is added. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: { readonly text: string; readonly framing: 'chunked' | 'length' };
  /** So long may the server be silent; then the client gives up. */
  readonly patienceMs: number;
}

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** @throws NoAnswer when the connection fails, ClientFailure when the answer never ends or is no HTTP */
export async function exchange(request: RawRequest): Promise<RawAnswer> {
  const { host, port, path } = addressOf(request.url);
  const socket = connect({ host, port });
  socket.setTimeout(request.patienceMs, () =>
    socket.destroy(new ClientFailure('stuck', `${request.method} ${path}: no byte for ${request.patienceMs} ms`)),
  );
  try {
    await once(socket, 'connect');
    socket.write(bytesOf(request, path));
    return await readAnswer(new ByteReader(socket), request.method);
  } catch (error) {
    if (error instanceof ClientFailure || error instanceof NoAnswer) throw error;
    throw new NoAnswer(`${request.method} ${path}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    socket.destroy();
  }
}

export function addressOf(url: string): { readonly host: string; readonly port: number; readonly path: string } {
  const match = /^http:\/\/([^/:?#]+)(?::(\d+))?(\/[^#]*)$/.exec(url);
  if (!match) throw new Error(`expected an http URL with a path, got ${url}`);
  return { host: match[1] ?? '', port: Number(match[2] ?? 80), path: match[3] ?? '' };
}

function bytesOf(request: RawRequest, path: string): string {
  const { body } = request;
  const framing = body?.framing === 'chunked' ? 'Transfer-Encoding: chunked' : undefined;
  const length = body?.framing === 'length' ? `Content-Length: ${Buffer.byteLength(body.text)}` : undefined;
  const lines = [
    `${request.method} ${path} HTTP/1.1`,
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    ...[framing, length].filter((line) => line !== undefined),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body ? framed(body) : ''}`;
}

function framed({ text, framing }: NonNullable<RawRequest['body']>): string {
  if (framing === 'length') return text;
  return `${Buffer.byteLength(text).toString(16).toUpperCase()}\r\n${text}\r\n0\r\n\r\n`;
}

async function readAnswer(reader: ByteReader, method: string): Promise<RawAnswer> {
  const statusLine = await reader.line();
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1]);
  if (!Number.isInteger(status)) throw new ClientFailure('crashed', `expected a status line, got ${statusLine}`);
  const headers = new Map<string, string>();
  for (;;) {
    const line = await reader.line();
    if (line === '') break;
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const body = method === 'HEAD' || status === 204 || status === 304 ? Buffer.of() : await readBody(reader, headers);
  return { status, headers, body };
}

/** Without a length and unchunked, the end of the connection ends the body; a server that keeps it open is waited for. */
async function readBody(reader: ByteReader, headers: ReadonlyMap<string, string>): Promise<Buffer> {
  if (headers.get('transfer-encoding')?.includes('chunked')) {
    const chunks: Buffer[] = [];
    for (;;) {
      const sizeBytes = Number.parseInt(await reader.line(), 16);
      if (sizeBytes === 0) return Buffer.concat(chunks);
      chunks.push(await reader.take(sizeBytes));
      await reader.line();
    }
  }
  const length = headers.get('content-length');
  return length === undefined ? reader.rest() : reader.take(Number(length));
}

class ByteReader {
  readonly #incoming: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.of();

  constructor(socket: Socket) {
    this.#incoming = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Without its line end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#held.toString('latin1', 0, end);
        this.#held = this.#held.subarray(end + 2);
        return line;
      }
      if (!(await this.#more())) throw new NoAnswer('the connection ended within the head');
    }
  }

  async take(bytes: number): Promise<Buffer> {
    while (this.#held.length < bytes)
      if (!(await this.#more()))
        throw new NoAnswer(`the connection ended after ${this.#held.length} of ${bytes} bytes`);
    const taken = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    return taken;
  }

  async rest(): Promise<Buffer> {
    while (await this.#more());
    return this.#held;
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#incoming.next();
    if (done) return false;
    this.#held = Buffer.concat([this.#held, value]);
    return true;
  }
}

/**
 * The demo mirror over HTTP, on loopback only: as much of a static file server as downloads.openwrt.org shows its
 * clients (ranges, validators, an HTML page for what is not there), plus faults on demand, since a mirror that is
 * never slow, cut off or wrong would prove nothing about those who read it.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type Fault = {
  /** Answer with this instead of the file. */
  readonly status?: number;
  /** Answer with this body instead of the file's. */
  readonly body?: Uint8Array | string;
  /** Announce everything, send so many bytes, cut the connection. */
  readonly truncateAt?: number;
  /** Take the request and never answer. */
  readonly hang?: true;
  /** Announce everything, send `atOnceBytes`, and then so many bytes each time. */
  readonly trickle?: { readonly atOnceBytes: number; readonly bytes: number; readonly everyMs: number };
  /** Send the client elsewhere: a path of this mirror, or a URL. */
  readonly redirectTo?: string;
  /** A friendly HTML page with status 200, as captive portals and broken proxies send. */
  readonly html?: true;
};

export type MirrorServer = {
  /** `http://127.0.0.1:<port>`, no slash at the end. */
  readonly url: string;
  /** `GET /path` of every request so far, in order. */
  requests(): readonly string[];
  forgetRequests(): void;
  /** Asked for each request with its path; undefined means: no fault. Replaces the one before. */
  setFault(fault: ((path: string) => Fault | undefined) | undefined): void;
  /** How far away the mirror seems: each answer begins so much later. */
  setLatency(milliseconds: number): void;
  /** Ends open connections too. */
  close(): Promise<void>;
};

type Range = { readonly first: number; readonly last: number };

export async function serveMirror(directory: string, options: { readonly port?: number } = {}): Promise<MirrorServer> {
  const requests: string[] = [];
  let fault: ((path: string) => Fault | undefined) | undefined;
  let latencyMs = 0;

  const server = createServer((request, response) => {
    const path = pathOf(request);
    requests.push(`${request.method} ${path ?? request.url}`);
    const answered = async () => {
      if (latencyMs > 0) await sleep(latencyMs);
      if (path === undefined) await notFound(request, response);
      else await answer(directory, path, request, response, fault?.(path));
    };
    answered().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => [...requests],
    forgetRequests: () => requests.splice(0),
    setFault: (next) => {
      fault = next;
    },
    setLatency: (milliseconds) => {
      latencyMs = milliseconds;
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

/** The decoded path, or undefined for one that leads elsewhere: encoded or not, `..` never reaches the file system. */
function pathOf(request: IncomingMessage): string | undefined {
  try {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://mirror').pathname).replace(/\/{2,}/g, '/');
    return path.includes('\0') || path.split('/').includes('..') ? undefined : path;
  } catch {
    return undefined;
  }
}

async function answer(
  directory: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  if (fault?.hang) return;
  if (request.method !== 'GET' && request.method !== 'HEAD') return page(request, response, 405, 'Method Not Allowed');
  if (fault?.redirectTo !== undefined) {
    response.writeHead(302, { Location: fault.redirectTo, 'Content-Length': 0 }).end();
    return;
  }
  if (fault?.html) return page(request, response, 200, 'Welcome to this network');
  if (fault?.status !== undefined && fault.body === undefined)
    return page(request, response, fault.status, `Status ${fault.status}`);
  if (fault?.body !== undefined) {
    response.writeHead(fault.status ?? 200, { 'Content-Length': Buffer.byteLength(fault.body) });
    response.end(request.method === 'HEAD' ? undefined : fault.body);
    return;
  }
  const file = await open(join(directory, path)).catch(() => undefined);
  if (file === undefined) return notFound(request, response);
  try {
    await sendFile(file, path, request, response, fault);
  } finally {
    await file.close();
  }
}

async function sendFile(
  file: FileHandle,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  const stat = await file.stat();
  if (!stat.isFile()) return notFound(request, response);
  // The inode is part of it: files are replaced by renaming, two of them may be written in the same millisecond.
  const identity = `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
  const etag = `"${createHash('sha256').update(identity).digest('hex').slice(0, 20)}"`;
  response.setHeader('ETag', etag);
  response.setHeader('Last-Modified', stat.mtime.toUTCString());
  response.setHeader('Accept-Ranges', 'bytes');
  if (isUnchanged(request, etag, stat.mtime)) {
    response.writeHead(304).end();
    return;
  }
  const range = rangeOf(request, stat.size, etag, stat.mtime);
  if (range === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${stat.size}`);
    return page(request, response, 416, 'Range Not Satisfiable');
  }
  const { first, last } = range ?? { first: 0, last: stat.size - 1 };
  const lengthBytes = last - first + 1;
  response.setHeader('Content-Type', path.endsWith('.json') ? 'application/json' : 'application/octet-stream');
  response.setHeader('Content-Length', lengthBytes);
  if (range !== undefined) response.setHeader('Content-Range', `bytes ${first}-${last}/${stat.size}`);
  response.writeHead(range === undefined ? 200 : 206);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const truncateAt = fault?.truncateAt;
  const wanted = Math.min(lengthBytes, truncateAt ?? lengthBytes);
  const { buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, first);
  if (fault?.trickle) return await sendSlowly(buffer, response, fault.trickle);
  if (truncateAt === undefined || truncateAt >= lengthBytes) response.end(buffer);
  else response.write(buffer, () => response.destroy());
}

async function sendSlowly(
  bytes: Uint8Array,
  response: ServerResponse,
  { atOnceBytes, bytes: eachBytes, everyMs }: NonNullable<Fault['trickle']>,
): Promise<void> {
  response.write(bytes.subarray(0, atOnceBytes));
  for (let at = atOnceBytes; at < bytes.length && !response.destroyed; at += eachBytes) {
    await sleep(everyMs);
    response.write(bytes.subarray(at, at + eachBytes));
  }
  response.end();
}

/** RFC 9110, section 13.2.2: with If-None-Match given, If-Modified-Since does not count. */
function isUnchanged(request: IncomingMessage, etag: string, mtime: Date): boolean {
  const noneMatch = request.headers['if-none-match'];
  if (noneMatch !== undefined)
    return noneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*');
  const since = Date.parse(request.headers['if-modified-since'] ?? '');
  return Math.floor(mtime.getTime() / 1000) * 1000 <= since;
}

/** One range; several, or an If-Range that no longer holds, mean the whole file. */
function rangeOf(
  request: IncomingMessage,
  sizeBytes: number,
  etag: string,
  mtime: Date,
): Range | 'unsatisfiable' | undefined {
  const ifRange = request.headers['if-range'];
  if (ifRange !== undefined && ifRange !== etag && ifRange !== mtime.toUTCString()) return undefined;
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [from, to] = [match[1] ?? '', match[2] ?? ''];
  const first = from === '' ? Math.max(0, sizeBytes - Number(to)) : Number(from);
  const last = from === '' || to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  return first > last || first >= sizeBytes ? 'unsatisfiable' : { first, last };
}

async function notFound(request: IncomingMessage, response: ServerResponse): Promise<void> {
  return page(request, response, 404, 'Not Found');
}

async function page(request: IncomingMessage, response: ServerResponse, status: number, title: string): Promise<void> {
  const html = `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
  response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': html.length });
  response.end(request.method === 'HEAD' ? undefined : html);
}

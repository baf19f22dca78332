/**
 * What is said of a file before its bytes are sent: headers, and which part is wanted. One decision for files of the store and
 * for small ones that are made when they are asked for, since a router that resumes a download asks for either in the same way.
 */
import { sha256Hex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import { requestedRange } from '../../shared/http/byte-range-header.ts';
import { CORS } from './answer.ts';
import { etagMatches } from './etag-matches.ts';

/** Compressed by nobody. */
export const OCTETS = 'application/octet-stream';

export interface Download {
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly cacheControl: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  /** Under which a browser saves it; without one it shows it. */
  readonly saveAs?: string;
}

/** Which bytes; undefined: all. */
export type Part = { readonly offset: number; readonly length: number } | undefined;

/** An error in the words of the API that is asked. */
export type Refuse = (status: 404 | 416, detail: string, headers?: Readonly<Record<string, string>>) => Response;

interface Begun {
  readonly headers: Readonly<Record<string, string>>;
  readonly part: Part;
}

/** An answer where no bytes are to be sent, or else with what they are. */
export function beginDownload(request: Request, file: Download, refuse: Refuse): Response | Begun {
  const etag = `"${file.sha256}"`;
  const headers: Record<string, string> = {
    ...CORS,
    'content-type': file.contentType,
    ...(file.saveAs !== undefined && { 'content-disposition': `attachment; filename="${file.saveAs}"` }),
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    'cache-control': file.cacheControl,
    'last-modified': new Date(file.modifiedAt).toUTCString(),
    etag,
  };
  if (etagMatches(request.headers.get('if-none-match') ?? undefined, etag))
    return new Response(null, { status: 304, headers });
  const ifRange = request.headers.get('if-range');
  // RFC 9110, 14.2: a range has a meaning for GET only.
  const isRanged = request.method === 'GET' && (ifRange === null || ifRange === etag);
  const range = requestedRange((isRanged && request.headers.get('range')) || undefined, file.sizeBytes);
  if (range.kind === 'unsatisfiable')
    return refuse(416, `expected a range within ${file.sizeBytes} bytes`, {
      'content-range': `bytes */${file.sizeBytes}`,
    });
  headers['content-length'] = String(file.sizeBytes);
  // Whatever compresses text on the way, as `wrangler dev` does, takes its length away and makes other bytes of it than tag and
  // ranges are of. It leaves alone what has an encoding, be it this one.
  if (file.contentType !== OCTETS) headers['content-encoding'] = 'identity';
  if (request.method === 'HEAD') return new Response(null, { headers });
  return { headers, part: range.kind === 'part' ? range : undefined };
}

export function sendBytes(body: BodyInit, sizeBytes: number, { headers, part }: Begun): Response {
  if (!part) return new Response(body, { headers });
  const last = part.offset + part.length - 1;
  return new Response(body, {
    status: 206,
    headers: {
      ...headers,
      'content-length': String(part.length),
      'content-range': `bytes ${part.offset}-${last}/${sizeBytes}`,
    },
  });
}

/** A file that is made of text here and now. */
export function sendText(
  request: Request,
  text: string,
  about: Omit<Download, 'sizeBytes' | 'sha256'>,
  refuse: Refuse,
): Response {
  const bytes = utf8ToBytes(text) as Uint8Array<ArrayBuffer>;
  const begun = beginDownload(request, { ...about, sizeBytes: bytes.length, sha256: sha256Hex(bytes) }, refuse);
  if (begun instanceof Response) return begun;
  const { part } = begun;
  return sendBytes(part ? bytes.subarray(part.offset, part.offset + part.length) : bytes, bytes.length, begun);
}

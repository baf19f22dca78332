/**
 * One file of the mirror, or exactly why not. What a mirror answers is a stranger's word: bounded in size and time, never
 * followed elsewhere (a redirect to an inner address would make us fetch it), and "there is no such file" is kept apart
 * from "it cannot be told now": only the first may ever be told to a client as an answer.
 */
import { bytesToHex } from '../../shared/crypto/digest.ts';
import { openSlots, type Slots } from '../../shared/http/slots.ts';

export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export type Fetched =
  | { readonly state: 'found'; readonly bytes: Uint8Array; readonly sha256: string; readonly validators: Validators }
  /** The mirror says that the validators we sent are still right. */
  | { readonly state: 'unchanged' }
  | { readonly state: 'absent' }
  | { readonly state: 'trouble'; readonly reason: string };

export interface Upstream {
  /** `path` below the mirror, without a leading slash, made of checked names only. */
  get(path: string, validators?: Validators): Promise<Fetched>;
}

/** Some three times the largest seen of each; by the file's name, since nobody knows a stranger's file by anything else. */
const MAX_BYTES: Readonly<Record<string, number>> = {
  '.versions.json': 1 << 20,
  '.targets.json': 1 << 20,
  '.overview.json': 2 << 20,
  'sha256sums.sig': 4 << 10,
  sha256sums: 8 << 20,
  'profiles.json': 8 << 20,
  'version.buildinfo': 4 << 10,
  'feeds.conf': 64 << 10,
  'index.json': 16 << 20,
  Packages: 16 << 20,
};

/** A feed's is 5 MB, in memory as bytes and as text until it is parsed: not six of them at once. */
const BULKY_FILE = 'Packages';
const BULKY_AT_ONCE = 2;

const TIMEOUT_MS = 15_000;
const ATTEMPTS = 2;

export function openUpstream(options: {
  readonly url: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly slots: Slots;
}): Upstream {
  const bulky = openSlots(BULKY_AT_ONCE);
  return {
    async get(path, validators) {
      const once = () => options.slots(() => fetchOnce(options, path, validators));
      let failure: Failure = { reason: 'was not asked', again: true };
      for (let attempt = 1; attempt <= ATTEMPTS && failure.again; attempt++) {
        const outcome = await (fileName(path) === BULKY_FILE ? bulky(once) : once());
        if (!('again' in outcome)) return outcome;
        failure = outcome;
      }
      return { state: 'trouble', reason: `${path}: ${failure.reason}` };
    },
  };
}

const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

interface Failure {
  readonly reason: string;
  /** Whether a second attempt may fare better. */
  readonly again: boolean;
}

async function fetchOnce(
  { url, fetch }: { url: string; fetch: (url: string, init: RequestInit) => Promise<Response> },
  path: string,
  validators?: Validators,
): Promise<Fetched | Failure> {
  const headers = new Headers();
  if (validators?.etag) headers.set('If-None-Match', validators.etag);
  else if (validators?.lastModified) headers.set('If-Modified-Since', validators.lastModified);
  try {
    const response = await fetch(`${url}/${path}`, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      return withoutBody(response.status, validators !== undefined);
    }
    const bytes = await readBounded(response, MAX_BYTES[fileName(path)] ?? 1 << 20);
    if (!bytes) return { reason: 'is larger than any such file should be', again: false };
    // Workers decompress a body but leave its headers, so the length counts only where nothing was compressed.
    const announced = response.headers.get('Content-Encoding') ? null : response.headers.get('Content-Length');
    if (announced !== null && Number(announced) !== bytes.byteLength)
      return { reason: `ended after ${bytes.byteLength} of ${announced} bytes`, again: true };
    return {
      state: 'found',
      bytes,
      sha256: bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))),
      validators: { etag: response.headers.get('ETag'), lastModified: response.headers.get('Last-Modified') },
    };
  } catch (error) {
    const { name, message } = error as Error;
    const timedOut = name === 'TimeoutError' || name === 'AbortError';
    // A mirror that let us wait for so long will do it again, and a request may be waiting behind this.
    if (timedOut) return { reason: `did not arrive within ${TIMEOUT_MS / 1000} s`, again: false };
    return { reason: `could not be fetched (${message})`, again: true };
  }
}

function withoutBody(status: number, conditional: boolean): Fetched | Failure {
  if (status === 304 && conditional) return { state: 'unchanged' };
  if (status === 404 || status === 410) return { state: 'absent' };
  if (status >= 300 && status < 400)
    return {
      reason: `answered ${status}, a redirect, which is not followed: set UPSTREAM_URL to its end`,
      again: false,
    };
  return { reason: `answered ${status}`, again: status >= 500 };
}

/** Null when there is more. Counted as it comes: Content-Length may lie, and a compressed body grows here. */
async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  if (response.body)
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      sizeBytes += chunk.byteLength;
      // Leaving the loop cancels the stream.
      if (sizeBytes > maxBytes) return null;
      chunks.push(chunk);
    }
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

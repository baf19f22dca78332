/**
 * The object store as any S3 server, for those who host the edge themselves and for plain workerd, which has no R2.
 * Every PUT carries the real digest of its bytes as `x-amz-content-sha256`, under the signature, so that the server checks
 * it as well as we do; the digest is kept as metadata too, because S3 tells it to nobody afterwards.
 */
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { withAnnouncedBody } from './announced-body.ts';
import { assertByteRange, notSatisfiable } from './byte-range.ts';
import type {
  Absent,
  ByteRange,
  ExpectedBody,
  ObjectBody,
  ObjectContent,
  ObjectDescription,
  ObjectPage,
  ObjectStore,
  UploadedPart,
} from './object-store.ts';
import { ObjectStoreError } from './object-store-error.ts';
import { S3Client, type S3Patience, type S3Place } from './s3-client.ts';
import { completionXml, insideOf, textOf } from './s3-xml.ts';

const octets = 'application/octet-stream';

/** Between a look at what is not there and the end of a small PUT, on a store that is well. */
const CLAIM_PAUSE_MS = 1_000;

export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;

  constructor(place: S3Place, patience?: Partial<S3Patience>) {
    this.#client = new S3Client(place, patience);
  }

  async head(key: string): Promise<ObjectDescription | Absent> {
    const answer = await this.#client.ask({ method: 'HEAD', key, again: 'possible' });
    if (answer.state === 'refused') {
      if (answer.refusal.status === 404) return { exists: false };
      throw answer.error;
    }
    return describe(answer.response, sizeOf(answer.response));
  }

  async get(key: string, options: { range?: ByteRange; signal?: AbortSignal } = {}): Promise<ObjectContent | Absent> {
    const { range, signal } = options;
    if (range) assertByteRange(range);
    const answer = await this.#client.ask({
      method: 'GET',
      key,
      range: range && rangeHeader(range),
      signal,
      again: 'possible',
    });
    if (answer.state === 'refused') {
      if (answer.refusal.status === 404 && answer.refusal.code !== 'NoSuchBucket') return { exists: false };
      throw range && answer.error.kind === 'range_not_satisfiable' ? notSatisfiable(range, answer.error) : answer.error;
    }
    const { response } = answer;
    const body: ReadableStream<Uint8Array> = response.body ?? new Blob([]).stream();
    const part = response.status === 206 ? contentRange(response) : undefined;
    if (part) return { ...describe(response, part.size), range: part.range, body };
    // RFC 9110, 14.2: a server may ignore a range; then the whole object comes, and is said to be whole.
    const whole = describe(response, sizeOf(response));
    if (range && whole.size === 0) {
      await body.cancel();
      throw notSatisfiable(range);
    }
    return { ...whole, body };
  }

  async put(key: string, body: ObjectBody, expected: ExpectedBody): Promise<void> {
    const { size, sha256, contentType = octets } = expected;
    await withAnnouncedBody(body, { size, sha256 }, async (checked, again) => {
      const headers = { 'content-type': contentType, 'x-amz-meta-sha256': sha256 };
      const answer = await this.#client.ask({ method: 'PUT', key, headers, body: checked, size, sha256, again });
      if (answer.state === 'refused') throw answer.error;
      await answer.response.body?.cancel();
      tagOf(answer.response);
    });
  }

  async putIfAbsent(key: string, body: Uint8Array, expected: ExpectedBody): Promise<boolean> {
    if ((await this.head(key)).exists) return false;
    const { size, sha256, contentType = octets } = expected;
    const headers = { 'content-type': contentType, 'x-amz-meta-sha256': sha256, 'if-none-match': '*' };
    const answer = await this.#client.ask({ method: 'PUT', key, headers, body, size, sha256, again: 'impossible' });
    if (answer.state === 'refused') {
      const { status } = answer.refusal;
      if (status === 412 || status === 409) return false;
      // Some say that they do not know the condition, some only do not heed it.
      if (status !== 501) throw answer.error;
      await this.put(key, body, expected);
    } else await answer.response.body?.cancel();
    // There what comes last stays: by now everybody who saw nothing has stored his own.
    await new Promise((resolve) => setTimeout(resolve, CLAIM_PAUSE_MS));
    const stored = await this.head(key);
    return stored.exists && stored.sha256 === sha256;
  }

  async delete(key: string): Promise<void> {
    const answer = await this.#client.ask({ method: 'DELETE', key, again: 'possible' });
    if (answer.state === 'refused' && answer.refusal.code !== 'NoSuchKey') throw answer.error;
    if (answer.state === 'answered') await answer.response.body?.cancel();
  }

  async list(prefix: string, options: { cursor?: string; limit?: number } = {}): Promise<ObjectPage> {
    const { cursor, limit = 1000 } = options;
    const xml = await this.#client.text({
      method: 'GET',
      query: {
        'list-type': '2',
        prefix,
        'max-keys': String(limit),
        ...(cursor !== undefined && { 'continuation-token': cursor }),
      },
      again: 'possible',
    });
    const objects = [...insideOf(xml, 'Contents')].map((row) => ({
      key: textOf(row, 'Key') ?? '',
      size: Number(textOf(row, 'Size')),
      uploadedAtMs: Date.parse(textOf(row, 'LastModified') ?? ''),
    }));
    const isLast = textOf(xml, 'IsTruncated') !== 'true';
    const next = isLast ? undefined : textOf(xml, 'NextContinuationToken');
    // Who took a part of a listing for all of it would leave objects behind that nobody ever looks for again.
    if (!xml.includes('</ListBucketResult>') || (!isLast && !next))
      throw new ObjectStoreError('unavailable', `expected a whole listing from the S3 store, got ${xml.slice(0, 200)}`);
    return { objects, ...(next !== undefined && { cursor: next }) };
  }

  async createMultipart(key: string, described: { sha256?: string; contentType?: string } = {}): Promise<string> {
    const { sha256, contentType = octets } = described;
    const headers = { 'content-type': contentType, ...(sha256 !== undefined && { 'x-amz-meta-sha256': sha256 }) };
    const xml = await this.#client.text({ method: 'POST', key, query: { uploads: '' }, headers, again: 'impossible' });
    const uploadId = textOf(xml, 'UploadId');
    if (!uploadId)
      throw new ObjectStoreError('unavailable', `expected an UploadId from the S3 store, got ${xml.slice(0, 200)}`);
    return uploadId;
  }

  async uploadPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: ObjectBody,
    expected: { size: number; sha256?: string },
  ): Promise<UploadedPart> {
    const { size, sha256 = 'UNSIGNED-PAYLOAD' } = expected;
    const query = { partNumber: String(partNumber), uploadId };
    return withAnnouncedBody(body, expected, async (checked, again) => {
      const answer = await this.#client.ask({ method: 'PUT', key, query, body: checked, size, sha256, again });
      if (answer.state === 'refused') throw answer.error;
      await answer.response.body?.cancel();
      return { partNumber, etag: tagOf(answer.response) };
    });
  }

  async completeMultipart(key: string, uploadId: string, parts: readonly UploadedPart[]): Promise<void> {
    const body = new TextEncoder().encode(completionXml(parts.toSorted((a, b) => a.partNumber - b.partNumber)));
    const xml = await this.#client.text({
      method: 'POST',
      key,
      query: { uploadId },
      headers: { 'content-type': 'application/xml' },
      body,
      size: body.byteLength,
      sha256: sha256Hex(body),
      again: 'impossible',
    });
    if (!xml.includes('<CompleteMultipartUploadResult'))
      throw new ObjectStoreError('unavailable', `expected the S3 store to complete ${key}, got ${xml.slice(0, 200)}`);
  }

  async abortMultipart(key: string, uploadId: string): Promise<void> {
    const answer = await this.#client.ask({ method: 'DELETE', key, query: { uploadId }, again: 'possible' });
    // Swift says NoSuchKey for an upload that has completed. Only a missing bucket is news.
    const gone = answer.state === 'refused' && answer.refusal.status === 404 && answer.refusal.code !== 'NoSuchBucket';
    if (answer.state === 'refused' && !gone) throw answer.error;
    if (answer.state === 'answered') await answer.response.body?.cancel();
  }
}

const rangeHeader = (range: ByteRange): string => {
  if ('suffix' in range) return `bytes=-${range.suffix}`;
  return `bytes=${range.offset}-${range.length === undefined ? '' : range.offset + range.length - 1}`;
};

function describe(response: Response, size: number): ObjectDescription {
  const { headers } = response;
  const sha256 = headers.get('x-amz-meta-sha256');
  const contentType = headers.get('content-type');
  return {
    exists: true,
    size,
    etag: tagOf(response),
    ...(sha256 !== null && { sha256 }),
    ...(contentType !== null && { contentType }),
  };
}

/** Every S3 server tags what it stores and what it gives. What answers without has done neither. */
function tagOf({ headers, url }: Response): string {
  const etag = headers.get('etag');
  if (etag) return etag;
  throw new ObjectStoreError('unavailable', `expected an ETag from the S3 store for ${url}`);
}

function sizeOf({ headers, url }: Response): number {
  const length = headers.get('content-length');
  if (length !== null && /^\d+$/.test(length)) return Number(length);
  throw new ObjectStoreError('unavailable', `expected a Content-Length from the S3 store for ${url}, got ${length}`);
}

function contentRange({ headers, url }: Response): { size: number; range: { offset: number; length: number } } {
  const value = headers.get('content-range') ?? '';
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(value) ?? [];
  if (first === undefined || last === undefined || size === undefined) {
    throw new ObjectStoreError('unavailable', `expected a Content-Range from the S3 store for ${url}, got "${value}"`);
  }
  return { size: Number(size), range: { offset: Number(first), length: Number(last) - Number(first) + 1 } };
}

/**
 * A body on its way into a store, held against what was announced. Stores differ in what they check (R2 no digest of a
 * part, some S3 servers no digest at all), and a firmware image that is not the announced one must never become readable.
 *
 * The trick is to keep back the last piece until all is hashed. A store that was promised N bytes and got fewer has stored
 * nothing, so cutting the body there works on every store, whatever it checks by itself:
 *
 *     for each chunk: count it (too many → cut), hash it, send the one before it
 *     at the end:     count right? digest right? → send the last one, else cut
 */
import { bytesToHex } from '../../shared/crypto/digest.ts';
import type { ObjectBody } from './object-store.ts';
import { ObjectStoreError } from './object-store-error.ts';

export interface Expected {
  readonly size: number;
  /** Absent: only the size is checked, because the store checks the digest or none was announced. */
  readonly sha256?: string;
}

/**
 * Runs `send` with a body that the runtime knows the length of (both R2 and a PUT with Content-Length need that).
 * `again` tells whether the same value may be sent a second time.
 *
 * @throws ObjectStoreError `size_mismatch` or `digest_mismatch` if the body was not the announced one, whatever `send`
 *   made of being cut short; else what `send` throws
 */
export async function withAnnouncedBody<Sent>(
  body: ObjectBody,
  expected: Expected,
  send: (body: ReadableStream<Uint8Array> | Uint8Array, again: 'possible' | 'impossible') => Promise<Sent>,
): Promise<Sent> {
  if (!(body instanceof ReadableStream)) return send(await checkedBytes(bytesOf(body), expected), 'possible');
  // An empty body has no last piece to keep back, so it is read to its end first.
  if (expected.size === 0) return send(await checkedBytes(await emptyBytesOf(body), expected), 'possible');

  const { readable, writable } = new FixedLengthStream(expected.size);
  const givenUp = new AbortController();
  const pumping = pump(body, writable, expected, givenUp.signal);
  let sent: Sent;
  try {
    sent = await send(readable, 'impossible');
  } catch (error) {
    givenUp.abort();
    const pumped = await pumping;
    throw pumped.state === 'broken' ? pumped.error : error;
  }
  // Whoever has every byte may answer before the pump has noticed that it is done; whoever answers success without
  // having read the body is not to be believed.
  const patience = setTimeout(() => givenUp.abort(), noticeMs);
  const pumped = await pumping;
  clearTimeout(patience);
  if (pumped.state === 'broken') throw pumped.error;
  if (pumped.state === 'unwanted') {
    throw new ObjectStoreError(
      'unavailable',
      `the store answered without reading the ${expected.size} bytes of the body`,
    );
  }
  return sent;
}

const noticeMs = 2_000;

type Pumped = { state: 'complete' } | { state: 'unwanted' } | { state: 'broken'; error: ObjectStoreError };

/** Moves the source into the sink, one piece behind. `givenUp`: the store wants no more, whatever the source still has. */
async function pump(
  source: ReadableStream<Uint8Array>,
  sink: WritableStream<Uint8Array>,
  expected: Expected,
  givenUp: AbortSignal,
): Promise<Pumped> {
  const reader = source.getReader();
  const writer = sink.getWriter();
  const digesting = expected.sha256 === undefined ? undefined : new crypto.DigestStream('SHA-256');
  const hasher = digesting?.getWriter();
  digesting?.digest.catch(() => {}); // Rejects when it is abandoned below.
  // A read may wait for a slow client, a write for a store that has stopped reading: this ends both.
  givenUp.addEventListener('abort', () => {
    reader.cancel(givenUp.reason).catch(() => {});
    writer.abort(givenUp.reason).catch(() => {});
  });

  async function end(pumped: Pumped): Promise<Pumped> {
    const reason = pumped.state === 'broken' ? pumped.error : givenUp.reason;
    if (pumped.state !== 'complete')
      await Promise.allSettled([writer.abort(reason), hasher?.abort(reason), reader.cancel(reason)]);
    return givenUp.aborted && pumped.state === 'broken' ? { state: 'unwanted' } : pumped;
  }

  let seen = 0;
  let last: Uint8Array | undefined;
  for (;;) {
    let read: ReadableStreamReadResult<Uint8Array>;
    try {
      read = await reader.read();
    } catch (cause) {
      const error = new ObjectStoreError(
        'size_mismatch',
        `the body broke off after ${seen} of ${expected.size} bytes`,
        { cause },
      );
      return end({ state: 'broken', error });
    }
    if (read.done) break;
    if (read.value.byteLength === 0) continue; // Must not release the piece that is kept back.
    seen += read.value.byteLength;
    if (seen > expected.size) return end({ state: 'broken', error: sizeMismatch(expected.size, `at least ${seen}`) });
    await hasher?.write(read.value);
    if (last && !(await write(writer, last))) return end({ state: 'unwanted' });
    last = read.value;
  }

  if (seen !== expected.size) return end({ state: 'broken', error: sizeMismatch(expected.size, seen) });
  if (digesting && hasher) {
    await hasher.close();
    const sha256 = bytesToHex(new Uint8Array(await digesting.digest));
    if (sha256 !== expected.sha256) return end({ state: 'broken', error: digestMismatch(expected.sha256, sha256) });
  }
  if (last && !(await write(writer, last))) return end({ state: 'unwanted' });
  await writer.close().catch(() => {});
  return end({ state: 'complete' });
}

async function write(writer: WritableStreamDefaultWriter<Uint8Array>, chunk: Uint8Array): Promise<boolean> {
  try {
    await writer.write(chunk);
    return true;
  } catch {
    return false;
  }
}

function bytesOf(body: ArrayBuffer | Uint8Array | string): Uint8Array {
  if (typeof body === 'string') return new TextEncoder().encode(body);
  return body instanceof Uint8Array ? body : new Uint8Array(body);
}

async function checkedBytes(bytes: Uint8Array, expected: Expected): Promise<Uint8Array> {
  if (bytes.byteLength !== expected.size) throw sizeMismatch(expected.size, bytes.byteLength);
  if (expected.sha256 !== undefined) {
    const sha256 = bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
    if (sha256 !== expected.sha256) throw digestMismatch(expected.sha256, sha256);
  }
  return bytes;
}

/** Reads a stream that should end at once; the first byte is one too many, and no more are asked for. */
async function emptyBytesOf(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  for await (const chunk of body) if (chunk.byteLength > 0) throw sizeMismatch(0, `at least ${chunk.byteLength}`);
  return new Uint8Array();
}

function sizeMismatch(expected: number, got: number | string): ObjectStoreError {
  return new ObjectStoreError('size_mismatch', `expected a body of ${expected} bytes, got ${got}`);
}

export function digestMismatch(expected: string | undefined, got: string, cause?: unknown): ObjectStoreError {
  return new ObjectStoreError('digest_mismatch', `expected a body with sha256 ${expected}, got ${got}`, { cause });
}

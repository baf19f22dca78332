import { AwsClient } from 'aws4fetch';
import { afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import type { S3Server } from '../../e2e/provided-context.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { objectStoreContract } from './object-store.contract.ts';
import { existing, failureOf, freshKey, patternBytes, putBytes, readAll, streamOf } from './object-store.fixture.ts';
import { storedJson } from './read-text.ts';
import { S3ObjectStore } from './s3.ts';
import type { S3Patience, S3Place } from './s3-client.ts';

const server: S3Server = inject('s3');
const place: S3Place = { ...server, bucket: 'contract' };
const open = (changed: Partial<S3Place> = {}, patience: Partial<S3Patience> = {}) =>
  new S3ObjectStore({ ...place, ...changed }, { firstDelayMs: 1, ...patience });

beforeAll(async () => {
  const made = await new AwsClient({ ...server, service: 's3' }).fetch(`${server.endpoint}/${place.bucket}`, {
    method: 'PUT',
  });
  expect(made.status).toBe(200);
});

afterEach(() => {
  vi.restoreAllMocks();
});

objectStoreContract('S3', async () => open());

/** Puts something between the adapter and the real server: what a broken network, proxy or server would do. */
function between(intercept: (url: string, init: RequestInit, pass: typeof fetch) => Promise<Response>) {
  const pass = globalThis.fetch.bind(globalThis);
  return vi
    .spyOn(globalThis, 'fetch')
    .mockImplementation((input, init) => intercept(String(input), (init ?? {}) as RequestInit, pass));
}

const bytes = patternBytes(50_000);
const announced = { size: bytes.byteLength, sha256: sha256Hex(bytes) };
const passing = () => new Response('<Error><Code>SlowDown</Code></Error>', { status: 503 });

describe('what an operator reads when S3 is configured wrongly', () => {
  const cases: readonly [string, Partial<S3Place>, string][] = [
    ['the secret', { secretAccessKey: 'wrong-secret' }, 'check S3_SECRET_ACCESS_KEY'],
    ['the access key', { accessKeyId: 'asu:nobody' }, 'S3_ACCESS_KEY_ID'],
    ['the region', { region: 'moon-1' }, 'check S3_REGION'],
    ['the bucket', { bucket: 'no-such-bucket' }, 'check S3_BUCKET'],
  ];
  test.each(cases)('%s: every operation is refused, once, naming what to check', async (_, wrong, advice) => {
    const store = open(wrong);
    const calls = vi.spyOn(globalThis, 'fetch');
    const refused = { kind: 'refused', message: expect.stringContaining(advice) };
    expect(await failureOf(store.get(freshKey()))).toMatchObject(refused);
    expect(await failureOf(putBytes(store, freshKey(), bytes))).toMatchObject(refused);
    expect(await failureOf(store.put(freshKey(), streamOf(bytes), announced))).toMatchObject(refused);
    expect(await failureOf(store.list('objects/'))).toMatchObject(refused);
    expect(await failureOf(store.createMultipart(freshKey()))).toMatchObject(refused);
    expect(calls).toHaveBeenCalledTimes(5);
  });

  test('HEAD, whose refusal has no body, still says where to look, and nothing says the secret', async () => {
    const store = open({ secretAccessKey: 'wrong-secret' });
    const { kind, message } = await failureOf(store.head(freshKey()));
    expect(kind).toBe('refused');
    expect(message).toContain('S3_SECRET_ACCESS_KEY');
    expect(message).not.toContain('wrong-secret');
    expect((await failureOf(store.get(freshKey()))).message).not.toContain('wrong-secret');
  });

  test('a refused upload ends at once although its sender is not finished, and is not blamed on the sender', async () => {
    const slow = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(patternBytes(20_000));
        controller.enqueue(patternBytes(20_000)); // and then nothing, for ever
      },
    });
    between(async () => new Response('<Error><Code>AccessDenied</Code></Error>', { status: 403 }));
    expect(await failureOf(open().put(freshKey(), slow, announced))).toMatchObject({ kind: 'refused' });
  });

  test('a redirect is refused and not followed', async () => {
    const calls = between(async (_, init) => {
      expect(init.redirect).toBe('manual');
      return new Response(null, { status: 307, headers: { location: 'http://elsewhere.example/' } });
    });
    expect(await failureOf(putBytes(open(), freshKey(), bytes))).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('S3_ENDPOINT'),
    });
    expect(calls).toHaveBeenCalledTimes(1);
  });
});

describe('when the store is in trouble', () => {
  test('nobody listens: unavailable, after all tries where trying again is possible', async () => {
    const store = open({ endpoint: 'http://127.0.0.1:1' }, { attempts: 3 });
    const calls = vi.spyOn(globalThis, 'fetch');
    const unavailable = { kind: 'unavailable' };
    expect(await failureOf(store.head(freshKey()))).toMatchObject(unavailable);
    expect(calls).toHaveBeenCalledTimes(3);
    expect(await failureOf(putBytes(store, freshKey(), bytes))).toMatchObject(unavailable);
    expect(calls).toHaveBeenCalledTimes(6);
    expect(await failureOf(store.put(freshKey(), streamOf(bytes), announced))).toMatchObject(unavailable);
    expect(calls).toHaveBeenCalledTimes(7);
    expect(await failureOf(store.createMultipart(freshKey()))).toMatchObject(unavailable);
    expect(calls).toHaveBeenCalledTimes(8);
  });

  test('two passing errors, then success: bytes are stored and read as if nothing had been', async () => {
    let troubles = 2;
    between((url, init, pass) => (troubles-- > 0 ? Promise.resolve(passing()) : pass(url, init)));
    const key = freshKey();
    await putBytes(open(), key, bytes);
    troubles = 2;
    expect(await readAll(await existing(open(), key))).toEqual(bytes);
  });

  test('a passing error that stays is unavailable, not refused', async () => {
    const calls = between(async () => passing());
    expect(await failureOf(putBytes(open(), freshKey(), bytes))).toMatchObject({ kind: 'unavailable' });
    expect(calls).toHaveBeenCalledTimes(3);
  });

  test('no answer in time: unavailable', async () => {
    between(
      (_, init) =>
        new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(init.signal?.reason))),
    );
    const store = open({}, { attempts: 1, timeoutMs: 20 });
    expect(await failureOf(store.head(freshKey()))).toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('no answer within 20 ms'),
    });
  });

  test('the reader gives up while the store is asked again: its own reason, and no further try', async () => {
    const reason = new Error('the lease is over');
    const reader = new AbortController();
    const calls = between(async () => {
      reader.abort(reason);
      return passing();
    });
    await expect(open().get(freshKey(), { signal: reader.signal })).rejects.toBe(reason);
    expect(calls).toHaveBeenCalledTimes(1);
  });

  test('success without reading the body is not believed', async () => {
    between(async () => new Response(null, { status: 200, headers: { etag: '"x"' } }));
    expect(await failureOf(open().put(freshKey(), streamOf(bytes), announced))).toMatchObject({ kind: 'unavailable' });
  });

  test('a completion that turns into an error after its 200 has failed', async () => {
    between(
      async () => new Response('<?xml version="1.0"?>\n<Error><Code>InternalError</Code></Error>', { status: 200 }),
    );
    const completing = open().completeMultipart(freshKey(), 'u', [{ partNumber: 1, etag: '"x"' }]);
    expect(await failureOf(completing)).toMatchObject({ kind: 'unavailable' });
  });
});

/** As a proxy in front of the store answers everything. */
const page = () =>
  new Response('<html><body>Please log in</body></html>', { headers: { 'content-type': 'text/html; charset=utf-8' } });

/** Every operation, each of which some part of the edge stands on. */
const operations: readonly [string, (store: S3ObjectStore) => Promise<unknown>][] = [
  ['head', (store) => store.head(freshKey())],
  ['get', (store) => store.get(freshKey())],
  ['put of bytes', (store) => putBytes(store, freshKey(), bytes)],
  ['put of a stream', (store) => store.put(freshKey(), streamOf(bytes), announced)],
  ['delete', (store) => store.delete(freshKey())],
  ['list', (store) => store.list('objects/')],
  ['createMultipart', (store) => store.createMultipart(freshKey())],
  ['uploadPart', (store) => store.uploadPart(freshKey(), 'u', 1, bytes, { size: bytes.byteLength })],
  ['completeMultipart', (store) => store.completeMultipart(freshKey(), 'u', [{ partNumber: 1, etag: '"x"' }])],
  ['abortMultipart', (store) => store.abortMultipart(freshKey(), 'u')],
];

/** An answer that begins and then never goes on, as from a server whose disk hangs. */
const endless = (status: number, headers: Record<string, string> = {}) =>
  new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode('<?xml version="1.0"?>')),
    }),
    { status, headers: { etag: '"x"', ...headers } },
  );

describe.each(operations)('%s', (_name, operate) => {
  test('believes no HTML page that comes with 200', async () => {
    between(async () => page());
    expect(await failureOf(operate(open()))).toMatchObject({ kind: 'unavailable' });
  });

  test('is not repeated after it took all of its time', async () => {
    const calls = between(
      (_, init) =>
        new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(init.signal?.reason))),
    );
    const hurried = open({}, { timeoutMs: 20 });
    const failure = await failureOf(operate(hurried));
    expect(failure).toMatchObject({ kind: 'unavailable', message: expect.stringMatching(/no answer within \d+ ms/) });
    expect(calls).toHaveBeenCalledTimes(1);
  });

  test('ends when a refusal begins and never goes on', async () => {
    between(async () => endless(403));
    expect(await failureOf(operate(open({}, { timeoutMs: 20 })))).toMatchObject({ kind: 'refused' });
  });

  test.each([
    ['507 of a full disk', 507, 'InsufficientStorage'],
    ['a quota that is used up', 403, 'QuotaExceeded'],
    ['a quota of MinIO', 400, 'XMinioAdminBucketQuotaExceeded'],
  ])('says of %s that it passes, and sends nobody to look at the keys', async (_, status, code) => {
    between(async () => new Response(`<Error><Code>${code}</Code><Message>full</Message></Error>`, { status }));
    const { kind, message } = await failureOf(operate(open()));
    expect(kind).toBe('unavailable');
    expect(message).not.toContain('S3_ACCESS_KEY_ID');
  });
});

describe('a listing', () => {
  const row =
    '<Contents><Key>objects/a</Key><Size>1</Size><LastModified>2026-11-01T00:00:00Z</LastModified></Contents>';
  test.each([
    ['ends in the middle', `<ListBucketResult><IsTruncated>false</IsTruncated>${row}`],
    ['has more and does not say where', `<ListBucketResult><IsTruncated>true</IsTruncated>${row}</ListBucketResult>`],
    ['is another document', '<html><body>hello</body></html>'],
  ])('that %s is none, or objects would be forgotten', async (_, xml) => {
    between(async () => new Response(xml, { headers: { 'content-type': 'application/xml' } }));
    expect(await failureOf(open().list('objects/'))).toMatchObject({ kind: 'unavailable' });
  });

  test('that never ends is given up', async () => {
    between(async () => endless(200));
    const failure = await failureOf(open({}, { timeoutMs: 20 }).list('objects/'));
    expect(failure).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('broke off') });
  });
});

describe('a small object that is read', () => {
  const key = freshKey('record.json');
  const told = { 'content-length': '50', 'content-type': 'application/json' };
  test.each([
    ['never ends', () => endless(200, told)],
    ['breaks off', () => new Response(broken(), { headers: { etag: '"x"', ...told } })],
    ['is no JSON', () => new Response('{"half": ', { headers: { etag: '"x"', ...told } })],
  ])('and %s: the store’s trouble, and no half of it', async (_, answer) => {
    between(async () => answer());
    expect(await failureOf(storedJson(open(), key, 20))).toMatchObject({ kind: 'unavailable' });
  });

  test('and is whole, is what was stored', async () => {
    await open().put(key, '{"a":"ü"}', { size: 10, sha256: sha256Hex('{"a":"ü"}') });
    expect(await storedJson(open(), key)).toEqual({ a: 'ü' });
    expect(await storedJson(open(), freshKey())).toBeNull();
  });
});

/** Bytes, and then a line that breaks. */
function broken(): ReadableStream<Uint8Array> {
  let pulls = 0;
  return new ReadableStream({
    pull(controller) {
      pulls += 1;
      if (pulls === 1) controller.enqueue(new TextEncoder().encode('{"half":'));
      else controller.error(new Error('Network connection lost.'));
    },
  });
}

describe('what is said to the server', () => {
  test.each([
    ['bytes', () => bytes],
    ['a stream', () => streamOf(bytes)],
  ])(
    '%s changed behind our back are refused by the server, because the signed digest is the real one',
    async (_, body) => {
      between(async (url, init, pass) => {
        if (init.method !== 'PUT') return pass(url, init);
        const sent = new Uint8Array(await new Response(init.body).arrayBuffer());
        sent[100] = (sent[100] ?? 0) ^ 1;
        return pass(url, { ...init, body: sent });
      });
      const key = freshKey();
      expect(await failureOf(open().put(key, body(), announced))).toMatchObject({ kind: 'digest_mismatch' });
      expect(await open().head(key)).toEqual({ exists: false });
    },
  );

  test('a server or proxy may not compress, and its ignoring a range is told apart from obeying it', async () => {
    const key = freshKey();
    await putBytes(open(), key, bytes);
    between((url, init, pass) => {
      const headers = new Headers(init.headers);
      expect(headers.get('accept-encoding')).toBe('identity');
      expect(headers.get('range')).toBe('bytes=5-9');
      headers.delete('range');
      return pass(url, { ...init, headers });
    });
    const object = await existing(open(), key, { offset: 5, length: 5 });
    expect(object).not.toHaveProperty('range');
    expect(await readAll(object)).toEqual(bytes);
  });
});

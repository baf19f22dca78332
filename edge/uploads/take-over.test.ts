/** What a node put into the store by itself becomes an object only as the very bytes that were granted; on R2 and on S3. */
import { env } from 'cloudflare:workers';
import { AwsClient } from 'aws4fetch';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { storeKey } from '../../shared/build/build-record.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { existing, failureOf, patternBytes, putBytes, readAll } from '../storage/object-store.fixture.ts';
import { R2ObjectStore } from '../storage/r2.ts';
import { S3ObjectStore } from '../storage/s3.ts';
import { isTakenOver, removeSource } from './take-over.ts';

const { IMAGES } = env as unknown as { IMAGES: R2Bucket };
const server = inject('s3');
const place = { ...server, bucket: 'take-over' };
const stores = { R2: new R2ObjectStore(IMAGES), S3: new S3ObjectStore(place) };

beforeAll(async () => {
  const { endpoint } = server;
  const made = await new AwsClient({ ...server, service: 's3' }).fetch(`${endpoint}/${place.bucket}`, {
    method: 'PUT',
  });
  expect(made.status).toBe(200);
});

const NODE = 'ab'.repeat(32);
const bytes = patternBytes(200_000);
const file = { name: 'image.bin', sizeBytes: bytes.byteLength, sha256: sha256Hex(bytes) };
const other = bytes.with(150_000, (bytes[150_000] ?? 0) ^ 1);
let leases = 0;

describe.each(['R2', 'S3'] as const)('on %s', (name) => {
  const store = stores[name];
  /** A lease that no other test has, with these bytes put there by its node. */
  const leaseWith = async (put: Uint8Array | null, nodeId = NODE) => {
    const leaseId = `lease-${++leases}`;
    if (put) await putBytes(store, storeKey.incoming(nodeId, leaseId, file.name), put);
    return leaseId;
  };

  test('the promised bytes become an object, as often as it is asked, and the source goes when it is told to', async () => {
    const leaseId = await leaseWith(bytes);
    for (let times = 0; times < 2; times += 1) expect(await isTakenOver(store, NODE, leaseId, file)).toBe(true);
    const object = await existing(store, storeKey.object(leaseId, file.name));
    expect(object).toMatchObject({ size: file.sizeBytes, sha256: file.sha256 });
    expect(await readAll(object)).toEqual(bytes);
    await removeSource(store, NODE, leaseId, file.name);
    expect(await store.head(storeKey.incoming(NODE, leaseId, file.name))).toEqual({ exists: false });
    expect(await store.head(storeKey.object(leaseId, file.name))).toMatchObject({ exists: true });
  });

  test.each([
    ['nothing', null, NODE],
    ['other bytes of the same size', other, NODE],
    ['fewer bytes', bytes.subarray(1), NODE],
    ['more bytes', new Uint8Array([...bytes, 7]), NODE],
    ['the right bytes, put there by another node', bytes, 'cd'.repeat(32)],
  ])('of %s no object is made', async (_, put, by) => {
    const leaseId = await leaseWith(put, by);
    expect(await isTakenOver(store, NODE, leaseId, file)).toBe(false);
    expect(await store.head(storeKey.object(leaseId, file.name))).toEqual({ exists: false });
  });

  test('an object stays as it is when its source is exchanged and it is completed once more', async () => {
    const leaseId = await leaseWith(bytes);
    expect(await isTakenOver(store, NODE, leaseId, file)).toBe(true);
    await putBytes(store, storeKey.incoming(NODE, leaseId, file.name), other);
    expect(await isTakenOver(store, NODE, leaseId, file)).toBe(false);
    expect(await readAll(await existing(store, storeKey.object(leaseId, file.name)))).toEqual(bytes);
  });

  test('a store that breaks off while it is read is asked again, and not taken for a lie', async () => {
    const leaseId = await leaseWith(bytes);
    const breaking = {
      put: store.put.bind(store),
      get: async (key: string) => {
        const object = await existing(store, key);
        let pieces = 0;
        const cut = new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            pieces += 1;
            if (pieces > 1) controller.error(new Error('connection lost'));
            else controller.enqueue(chunk.subarray(0, 1000));
          },
        });
        const readable = new Blob([await readAll(object), new Uint8Array([1])]).stream().pipeThrough(cut);
        return { ...object, body: readable };
      },
    };
    const failure = await failureOf(isTakenOver(breaking, NODE, leaseId, file));
    expect(failure).toMatchObject({ kind: 'size_mismatch' });
    expect(await store.head(storeKey.object(leaseId, file.name))).toEqual({ exists: false });
    expect(await isTakenOver(store, NODE, leaseId, file)).toBe(true);
  });
});

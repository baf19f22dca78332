import { env } from 'cloudflare:workers';
import { expect, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { objectStoreContract } from './object-store.contract.ts';
import { failureOf, freshKey } from './object-store.fixture.ts';
import { R2ObjectStore } from './r2.ts';

const { IMAGES } = env as unknown as { IMAGES: R2Bucket };
const store = new R2ObjectStore(IMAGES);

objectStoreContract('R2', async () => store);

test('R2 holds a digest that it checked, not one that we only told it', async () => {
  const key = freshKey();
  await store.put(key, 'firmware', { size: 8, sha256: sha256Hex('firmware') });
  const object = await IMAGES.head(key);
  expect(object?.checksums.toJSON().sha256).toBe(sha256Hex('firmware'));
  expect(object?.customMetadata).toEqual({});
});

test('a completed upload takes no more parts', async () => {
  const key = freshKey();
  const uploadId = await store.createMultipart(key);
  const part = await store.uploadPart(key, uploadId, 1, 'x', { size: 1 });
  await store.completeMultipart(key, uploadId, [part]);
  const late = store.uploadPart(key, uploadId, 1, 'y', { size: 1 });
  expect(await failureOf(late)).toMatchObject({ kind: 'no_such_upload' });
});

test('what R2 says that we do not know is its trouble, and what it says of our request is ours', async () => {
  const saying = (message: string) =>
    new R2ObjectStore({ head: () => Promise.reject(new Error(message)) } as unknown as R2Bucket);
  const internal = saying('head: We encountered an internal error. Please try again. (10001)');
  expect(await failureOf(internal.head('builds/x.json'))).toMatchObject({ kind: 'unavailable' });
  expect(await failureOf(saying('Network connection lost.').head('builds/x.json'))).toMatchObject({
    kind: 'unavailable',
  });
  expect(await failureOf(saying('head: bad argument (10029)').head('builds/x.json'))).toMatchObject({
    kind: 'refused',
  });
});

test('R2 that never answers is in trouble after half a minute, and nobody waits for it longer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const hangs = new R2ObjectStore({
    head: () => new Promise(() => undefined),
    put: () => new Promise(() => undefined),
  } as unknown as R2Bucket);
  const failures = Promise.all([
    failureOf(hangs.head('builds/x.json')),
    failureOf(hangs.put('builds/x.json', 'firmware', { size: 8, sha256: sha256Hex('firmware') })),
  ]);
  await vi.advanceTimersByTimeAsync(31_000);
  expect(await failures).toMatchObject([{ kind: 'unavailable' }, { kind: 'unavailable' }]);
  vi.useRealTimers();
});

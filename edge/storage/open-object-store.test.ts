import { expect, inject, test } from 'vitest';
import type { S3Server } from '../../e2e/provided-context.ts';
import { env } from '../edge.fixture.ts';
import type { Env } from '../env.ts';
import { failureOf, freshKey, putBytes } from './object-store.fixture.ts';
import { openObjectStore } from './open-object-store.ts';
import { R2ObjectStore } from './r2.ts';
import { S3ObjectStore } from './s3.ts';

const { IMAGES, ...withoutBucket } = env as Env & { readonly IMAGES: R2Bucket };
const server: S3Server = inject('s3');
const s3 = {
  S3_ENDPOINT: `${server.endpoint}/`,
  S3_ACCESS_KEY_ID: server.accessKeyId,
  S3_SECRET_ACCESS_KEY: server.secretAccessKey,
};

test('without S3_ENDPOINT, or with an empty one, the R2 binding is used', async () => {
  const key = freshKey();
  await putBytes(openObjectStore({ ...env, S3_ENDPOINT: '' }), key, new Uint8Array(3));
  expect(await IMAGES.head(key)).toMatchObject({ size: 3 });
  expect(openObjectStore(env)).toBeInstanceOf(R2ObjectStore);
});

test('with STORE_PREFIX every key has it, and nobody who reads sees it', async () => {
  const store = openObjectStore({ ...env, STORE_PREFIX: 'staging/' });
  const key = freshKey();
  await putBytes(store, key, new Uint8Array(3));
  expect(await IMAGES.head(`staging/${key}`)).toMatchObject({ size: 3 });
  expect((await store.list('objects/')).objects).toMatchObject([{ key }]);
});

test('S3_ENDPOINT wins over the binding, and bucket and region have their defaults', async () => {
  const store = openObjectStore({ ...env, ...s3, S3_BUCKET: '', S3_REGION: '' });
  expect(store).toBeInstanceOf(S3ObjectStore);
  // The server knows the signer and the region, but nobody has made this bucket.
  expect(await failureOf(store.get(freshKey()))).toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(/\/asu-images\/objects.*NoSuchBucket/),
  });
});

test.each<[string, Partial<Env>, string]>([
  ['no store at all', {}, 'bind an R2 bucket as IMAGES, or set S3_ENDPOINT'],
  ['no access key', { ...s3, S3_ACCESS_KEY_ID: '' }, 'S3_ACCESS_KEY_ID: expected a value'],
  ['no secret', { ...s3, S3_SECRET_ACCESS_KEY: undefined }, 'S3_SECRET_ACCESS_KEY: expected a value'],
  ['an endpoint without scheme', { ...s3, S3_ENDPOINT: 'minio:9000' }, 'S3_ENDPOINT: expected an http or https URL'],
  ['a bucket that is a path', { ...s3, S3_BUCKET: 'images/../other' }, 'S3_BUCKET: expected'],
])('%s: stops with the name of the setting', (_, settings, sentence) => {
  expect(() => openObjectStore({ ...withoutBucket, ...settings })).toThrow(sentence);
});

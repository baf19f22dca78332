import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { objectStoreContract } from './object-store.contract.ts';
import { putBytes } from './object-store.fixture.ts';
import { prefixedStore } from './prefixed-store.ts';
import { R2ObjectStore } from './r2.ts';

const { IMAGES } = env as unknown as { IMAGES: R2Bucket };
const whole = new R2ObjectStore(IMAGES);

objectStoreContract('A part of a bucket', async () => prefixedStore(whole, 'part/'));

test('two edges in one bucket do not see, overwrite or remove what the other has', async () => {
  const [one, two] = [prefixedStore(whole, 'one/'), prefixedStore(whole, 'two/')];
  const key = 'builds/x.json';
  await putBytes(one, key, new Uint8Array(1));
  expect(await two.head(key)).toEqual({ exists: false });
  await putBytes(two, key, new Uint8Array(2));
  await two.delete(key);
  expect(await one.head(key)).toMatchObject({ size: 1, sha256: sha256Hex(new Uint8Array(1)) });
  expect((await one.list('builds/')).objects.map((object) => object.key)).toEqual([key]);
  expect((await two.list('')).objects).toEqual([]);
  expect((await whole.list('one/')).objects.map((object) => object.key)).toEqual([`one/${key}`]);
});

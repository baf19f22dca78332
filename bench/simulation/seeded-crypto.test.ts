import { afterEach, expect, test } from 'vitest';
import { signingKey, verifyEd25519 } from '../../shared/crypto/ed25519.ts';
import { seeded } from '../random.ts';
import { installSeededCrypto } from './seeded-crypto.ts';

let giveBack = (): void => undefined;
afterEach(() => giveBack());

const drawn = (seed: number): string[] => {
  giveBack();
  giveBack = installSeededCrypto(seeded(seed));
  return [crypto.randomUUID(), ...crypto.getRandomValues(new Uint32Array(2))].map(String);
};

test('the same seed draws the same, and another one something else', () => {
  const once = drawn(1);
  expect(drawn(1)).toEqual(once);
  expect(drawn(2)).not.toEqual(once);
  expect(once[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('signatures are those that the runtime makes, and wrong ones are refused', async () => {
  const seed = Uint8Array.from({ length: 32 }, (_, at) => at);
  const message = Uint8Array.of(1, 2, 3);
  const real = await (await signingKey(seed)).sign(message);
  giveBack = installSeededCrypto(seeded(1));
  const key = await signingKey(seed);
  const signature = await key.sign(message);
  expect(signature).toEqual(real);
  expect(await verifyEd25519(key.publicKey, message, signature)).toBe(true);
  expect(await verifyEd25519(key.publicKey, Uint8Array.of(1, 2, 4), signature)).toBe(false);
});

import { expect, test } from 'vitest';
import { bytesToHex } from './digest.ts';
import { serverKeys } from './server-keys.ts';

// Golden: these keys verify certificates, open sealed rows and make identities. Never change one: nodes would have to join
// again, and every private image would have another name.
test('the golden secret gives its golden keys, in both runtimes', async () => {
  const keys = await serverKeys('5e'.repeat(32));
  expect({
    signing: bytesToHex(keys.signing.publicKey),
    defaultsMac: bytesToHex(keys.defaultsMac),
    sealing: bytesToHex(keys.sealing),
    clients: bytesToHex(keys.clients),
    log: bytesToHex(keys.log),
    permits: bytesToHex(keys.permits),
    usign: keys.usign.publicKey,
  }).toEqual({
    signing: 'fea0805e9e2ff21311bd70ac69ba160a6392de56a4051d6c5d3385f381e9f64b',
    defaultsMac: '009426b60d42c248380faf5eb53ae73a753c3d9e9fb4d2b2119bb28db059a871',
    sealing: '3333b50657fb89c69ac981e7cb6bd21e464c71c21d90d75752c18a037c8920e4',
    clients: 'e7b1edd78636f8f9fe9788249110c9d00f9366c43035846ddf8f8610f0ba78f3',
    log: '4aa8d2d5cb38a8b9fdcabab12bfd09510e8fb61836a7c3f215fbe6281853a545',
    permits: 'd87a6a7c7b8da38c545392c79b8e327b3205f54245e164aeddd543a74381e3b3',
    usign: 'untrusted comment: public key dd4a26e1ee60b875\nRWTdSibh7mC4dWhxp6yV9zRkJduKKBl8GfURFWO0nKk8DaNlPYE09TAx\n',
  });
});

test('no two purposes share a key, and no key is the secret', async () => {
  const keys = await serverKeys('5e'.repeat(32));
  const signing = [keys.signing, keys.usign.signing].map(({ publicKey }) => publicKey);
  const all = [keys.defaultsMac, keys.sealing, keys.clients, keys.log, keys.permits, ...signing].map(bytesToHex);
  expect(new Set([...all, '5e'.repeat(32)]).size).toBe(all.length + 1);
  expect(all.every((key) => key.length === 64)).toBe(true);
});

test('another secret gives other keys', async () => {
  const [one, other] = [await serverKeys('5e'.repeat(32)), await serverKeys(`5f${'5e'.repeat(31)}`)];
  expect(bytesToHex(one.sealing)).not.toBe(bytesToHex(other.sealing));
  expect(bytesToHex(one.signing.publicKey)).not.toBe(bytesToHex(other.signing.publicKey));
  expect(one.usign.publicKey).not.toBe(other.usign.publicKey);
});

test.each(['', '5', 'zz', '5e'.repeat(31).concat('5')])('the secret %j is refused', async (secret) => {
  await expect(serverKeys(secret)).rejects.toThrow();
});

import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { keyFiles, mustNotReplace } from './repository-keys.ts';

describe('a key by the id of another', () => {
  const keyOf = (filling: number) =>
    Buffer.concat([Buffer.from('Ed'), Buffer.alloc(8, 7), Buffer.alloc(32, filling)]).toString('base64');
  const keyId = '07'.repeat(8);
  const refused = { kind: 'bad_request', detail: `Repository key not allowed: ${keyId} is the id of another key` };

  test('of the same request is refused, the same key twice is not', () => {
    expect(() => keyFiles([keyOf(1), keyOf(2)])).toThrowError(expect.objectContaining(refused));
    expect(keyFiles([keyOf(1), `untrusted comment: again\n${keyOf(1)}`])).toHaveLength(2);
  });

  test.each<[string, (file: string) => Promise<unknown>, boolean]>([
    ['nothing', async () => undefined, true],
    ['the same key, by another comment', (file) => writeFile(file, `untrusted comment: x\n${keyOf(1)}\n`), true],
    ['another key', (file) => writeFile(file, `untrusted comment: x\n${keyOf(2)}\n`), false],
    ['no key', (file) => writeFile(file, 'no key'), false],
    ['a link', (file) => symlink('/etc/hostname', file), false],
    ['more than a key', (file) => writeFile(file, `${keyOf(1)}\n${'\n'.repeat(5000)}`), false],
  ])('where the ImageBuilder has %s', async (_, put, isLet) => {
    const keys = await mkdtemp(path.join(tmpdir(), 'keys-'));
    try {
      await put(path.join(keys, keyId));
      const judged = mustNotReplace(keys, keyFiles([keyOf(1)]));
      await (isLet ? expect(judged).resolves.toBeUndefined() : expect(judged).rejects.toMatchObject(refused));
    } finally {
      await rm(keys, { recursive: true });
    }
  });

  test('is a question of usign’s keys alone: apk reads all that are there', async () => {
    const pem = '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----';
    expect(new Set(keyFiles([pem, pem]).map(({ name }) => name)).size).toBe(2);
  });
});

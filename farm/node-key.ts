/** The node's one secret: an Ed25519 seed, made on first start, readable by nobody else. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type SigningKey, signingKey } from '../shared/ed25519.ts';

/** @throws Error where the file is there and is not a key */
export async function loadNodeKey(stateDirectory: string): Promise<SigningKey> {
  const file = path.join(stateDirectory, 'node-key');
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  try {
    // `wx`: two processes that start at once must not each make a key.
    await writeFile(file, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const text = (await readFile(file, 'utf8')).trim();
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new Error(`${file}: expected 64 hex digits; remove the file to start as a new node`);
  return signingKey(Buffer.from(text, 'hex'));
}

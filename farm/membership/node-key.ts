/** The node's one secret: an Ed25519 seed. Its id is the digest of the public half. */
import path from 'node:path';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { loadSecret } from './secret-file.ts';

/** @throws Error where the file is there and is not a key */
export async function loadNodeKey(stateDirectory: string): Promise<SigningKey> {
  return signingKey(Buffer.from(await loadSecret(path.join(stateDirectory, 'node-key'), 'start as a new node'), 'hex'));
}

/** The secrets of a local stack, and what is signed with one of them. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { serverKeys } from '../../shared/crypto/server-keys.ts';
import { type JoinToken, signJoinToken } from '../../shared/node/node-identity.ts';
import { loadSecret } from '../membership/secret-file.ts';

/** 64 hex digits. @throws Error where the file is there and is not a key */
export const loadServerKey = (stateDirectory: string): Promise<string> =>
  loadSecret(path.join(stateDirectory, 'server-key'), 'start afresh (nodes must then join again)');

/** Where it lies, for whoever runs this stack to read. */
export const adminKeyFile = (stateDirectory: string): string => path.join(stateDirectory, 'admin-key');

/** 64 hex digits. @throws Error where the file is there and is not a key */
export const loadAdminKey = (stateDirectory: string): Promise<string> =>
  loadSecret(adminKeyFile(stateDirectory), 'have a new one made');

interface TokenWish extends Pick<JoinToken, 'operator' | 'tier'> {
  readonly lifeMs: number;
}

/** A token for the stack's own node: trusted, since it is this very machine. */
export async function mintJoinToken(
  serverKey: string,
  { operator = 'local', tier = 'trusted', lifeMs = 3_600_000 }: Partial<TokenWish> = {},
): Promise<string> {
  const { signing } = await serverKeys(serverKey);
  return signJoinToken(signing, {
    id: randomBytes(16).toString('hex'),
    operator,
    tier,
    expiresAt: Date.now() + lifeMs,
  });
}

/** The server's secret of a local stack: made once, kept in the state directory, readable by nobody else. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { signJoinToken } from '../../shared/node-identity.ts';
import { serverKeys } from '../../shared/server-keys.ts';

/** 64 hex digits. */
export async function loadServerKey(stateDirectory: string): Promise<string> {
  const file = path.join(stateDirectory, 'server-key');
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = (await readFile(file, 'utf8')).trim();
  if (!/^[0-9a-f]{64}$/.test(key))
    throw new Error(
      `${file}: expected 64 hex digits; remove the file to start afresh (every image is then built anew)`,
    );
  return key;
}

/** A token for the stack's own node: trusted, since it is this very machine. */
export async function mintJoinToken(serverKey: string, operator = 'local', lifeMs = 3_600_000): Promise<string> {
  const { signing } = await serverKeys(serverKey);
  return signJoinToken(signing, {
    id: randomBytes(16).toString('hex'),
    operator,
    tier: 'trusted',
    expiresAt: Date.now() + lifeMs,
  });
}

/** A node that a test plays itself: it has joined, and says what the test has it say. */
import path from 'node:path';
import { openDatabase } from '../../farm/db/open-database.ts';
import { type ForemanClient, foremanClient } from '../../farm/membership/edge-client.ts';
import { Memberships } from '../../farm/membership/membership.ts';
import { loadNodeKey } from '../../farm/membership/node-key.ts';
import type { SigningKey } from '../../shared/crypto/ed25519.ts';
import type { StackUnderTest } from '../stack-under-test.ts';

export interface PlayedNode {
  readonly key: SigningKey;
  readonly memberships: Memberships;
  readonly client: ForemanClient;
}

export async function playedNode(
  stack: StackUnderTest,
  name: string,
  tier?: 'trusted' | 'volunteer',
): Promise<PlayedNode> {
  const directory = path.join(stack.directory, name);
  const key = await loadNodeKey(directory);
  const { db } = openDatabase(path.join(directory, 'node.sqlite'));
  const memberships = new Memberships(db, stack.url);
  const client = foremanClient(stack.url, key, memberships.current);
  const token = await stack.joinToken(name, tier);
  await memberships.establish(client, key, { token, name }, AbortSignal.timeout(20_000));
  return { key, memberships, client };
}

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Code, ConnectError } from '@connectrpc/connect';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { toBase64Url } from '../../shared/crypto/base64url.ts';
import { hexToBytes, sha256Hex } from '../../shared/crypto/digest.ts';
import { signingKey } from '../../shared/crypto/ed25519.ts';
import { handedBackReport } from '../agent/node-report.ts';
import { Outbox } from '../agent/outbox.ts';
import { type NodeDatabase, openDatabase } from '../db/open-database.ts';
import type { ForemanClient } from './edge-client.ts';
import { Memberships } from './membership.ts';

const EDGE = 'https://edge.example';
const ELSEWHERE = 'https://another.example';

let directory: string;
let opened: { readonly db: NodeDatabase; readonly close: () => void };

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-membership-'));
  opened = openDatabase(path.join(directory, 'node.sqlite'));
});
afterEach(async () => {
  opened.close();
  await rm(directory, { recursive: true, force: true });
});

/** Joins, as with a new token, an edge of this name as a node of that one. */
async function join({ edge = 'edge', node = 'node', expiresAt = 1 }): Promise<void> {
  const payload = toBase64Url(new TextEncoder().encode(JSON.stringify({ nodeId: node, expiresAt })));
  const client = {
    join: async () => ({ certificate: `${payload}.signature`, edgePublicKey: hexToBytes(sha256Hex(edge)) }),
    // As an edge does that does not know it any more.
    renew: () => Promise.reject(new ConnectError('never heard of it', Code.Unauthenticated)),
  } as unknown as ForemanClient;
  const key = await signingKey(new Uint8Array(hexToBytes(sha256Hex(node))));
  const memberships = new Memberships(opened.db, EDGE);
  await memberships.establish(client, key, { token: 'token', name: 'n' }, AbortSignal.timeout(5_000));
}

/** Leases of which there is something to be said to that edge. */
function told(url: string): string[] {
  const outbox = new Outbox(opened.db, url);
  return [...outbox.unacknowledged().map(({ leaseId }) => leaseId), ...outbox.unfinished()];
}

test.each([
  ['the same node of the same edge', {}, ['ended', 'running']],
  ['it with a newer certificate', { expiresAt: 2 }, ['ended', 'running']],
  ['another node', { node: 'another node' }, []],
  ['a node of another edge at this address', { edge: 'another edge' }, []],
])('who joins anew as %s has to say what it may still say', async (_, again, kept) => {
  await join({});
  for (const url of [EDGE, ELSEWHERE]) {
    const outbox = new Outbox(opened.db, url);
    const suffix = url === EDGE ? '' : ' elsewhere';
    outbox.take(`ended${suffix}`, 'hash', 1);
    outbox.finish(`ended${suffix}`, handedBackReport('x'));
    outbox.take(`running${suffix}`, 'hash', 1);
  }
  await join(again);
  expect(told(EDGE)).toEqual(kept);
  expect(told(ELSEWHERE)).toEqual(['ended elsewhere', 'running elsewhere']);
});

test('a node that could not write down that it joined as another has to say no more of the other’s leases when it can', async () => {
  await join({});
  new Outbox(opened.db, EDGE).take('running', 'hash', 1);
  opened.db.run(sql`CREATE TRIGGER no_room BEFORE INSERT ON edges BEGIN SELECT RAISE(FAIL, 'no room'); END`);
  const complained = vi.spyOn(console, 'error').mockImplementation(() => opened.db.run(sql`DROP TRIGGER no_room`));
  await join({ node: 'another node' });
  complained.mockRestore();
  expect(told(EDGE)).toEqual([]);
});

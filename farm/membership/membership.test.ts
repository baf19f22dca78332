import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Code, ConnectError } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { toBase64Url } from '../../shared/crypto/base64url.ts';
import { hexToBytes, sha256Hex } from '../../shared/crypto/digest.ts';
import { signingKey } from '../../shared/crypto/ed25519.ts';
import { ForemanService } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { handedBackReport } from '../agent/node-report.ts';
import { Outbox } from '../agent/outbox.ts';
import { type NodeDatabase, openDatabase } from '../db/open-database.ts';
import { type ForemanClient, foremanClient } from './edge-client.ts';
import { JoinRefused, Memberships } from './membership.ts';

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

const refusedByEdge = new ConnectError('never heard of it', Code.Unauthenticated, {
  'content-type': 'application/json',
});

/** Joins, as with a new token, an edge of this name as a node of that one. */
async function join({ edge = 'edge', node = 'node', expiresAt = 1 }): Promise<void> {
  const payload = toBase64Url(new TextEncoder().encode(JSON.stringify({ nodeId: node, expiresAt })));
  const client = {
    join: async () => ({ certificate: `${payload}.signature`, edgePublicKey: hexToBytes(sha256Hex(edge)) }),
    // As an edge does that does not know it any more.
    renew: () => Promise.reject(refusedByEdge),
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

/** A node that has a token starts, against a server that answers first so and then as an edge does. */
async function startAgainst(first: RequestListener | null, join: () => { certificate: string }): Promise<number> {
  let asked = 0;
  const edge = connectNodeAdapter({
    acceptCompression: [],
    routes: (router) =>
      router.service(ForemanService, { join: () => ({ edgePublicKey: new Uint8Array(32), ...join() }) }),
  });
  const server = createServer((request, response) => {
    asked += 1;
    return asked === 1 && first ? first(request, response) : edge(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const key = await signingKey(new Uint8Array(32).fill(1));
    const memberships = new Memberships(opened.db, url);
    const client = foremanClient(url, key, memberships.current);
    await memberships.establish(client, key, { token: 'token', name: 'n' }, AbortSignal.timeout(20_000));
    expect(memberships.current()?.certificate).toBe('a certificate');
    return asked;
  } finally {
    server.close().closeAllConnections();
  }
}

test.each([
  [200, 'text/html', '<!doctype html>Welcome'],
  [302, 'text/html', '<!doctype html>Over there'],
  [401, 'text/html', '<!doctype html>Sign in to this network'],
  [403, 'text/html', '<!doctype html>Your browser is being checked'],
  [403, 'application/json', '{"error":"forbidden"}'],
])('%i of %s that is not the edge’s own word (%s) is waited out, and told as that', async (status, type, body) => {
  const complained = vi.spyOn(console, 'error').mockImplementation(() => {});
  const page: RequestListener = (_, response) => response.writeHead(status, { 'content-type': type }).end(body);
  expect(await startAgainst(page, () => ({ certificate: 'a certificate' }))).toBe(2);
  expect(complained.mock.calls).toEqual([[expect.stringMatching(/cannot be reached yet .*no edge answers like that/)]]);
  complained.mockRestore();
});

test.each([Code.Unauthenticated, Code.PermissionDenied, Code.InvalidArgument])(
  'the edge’s own refusal (%i) is final',
  async (code) => {
    const refuse = () => {
      throw new ConnectError('this token is used up', code);
    };
    await expect(startAgainst(null, refuse)).rejects.toThrow(JoinRefused);
    await expect(startAgainst(null, refuse)).rejects.toThrow('the edge refuses this node: this token is used up');
  },
);

test('a certificate that cannot be renewed for days is complained of ever more rarely, and renewed when it can be', async () => {
  await join({});
  let tries = 0;
  const stop = new AbortController();
  const client = {
    renew: async () => {
      tries += 1;
      if (tries > 20) {
        stop.abort();
        return { certificate: 'new' };
      }
      throw new ConnectError('nobody answers', Code.Unavailable);
    },
  } as unknown as ForemanClient;
  const memberships = new Memberships(opened.db, EDGE);
  const lines: string[] = [];
  await memberships.keepRenewed(client, (line) => lines.push(line), stop.signal, 1);
  expect(lines).toEqual(
    [1, 2, 4, 8, 16].map((times) => `renewing the certificate failed (${times} times): Unavailable: nobody answers`),
  );
  expect(memberships.current()?.certificate).toBe('new');
});

test('a new certificate for which the disk has no room is used all the same', async () => {
  await join({});
  opened.db.run(sql`PRAGMA max_page_count = 1`);
  const certificate = 'x'.repeat(100_000);
  const client = { renew: async () => ({ certificate }) } as unknown as ForemanClient;
  const memberships = new Memberships(opened.db, EDGE);
  await memberships.renew(client, new AbortController().signal);
  expect(memberships.current()?.certificate).toBe(certificate);
  expect(new Memberships(opened.db, EDGE).current()?.certificate).not.toBe(certificate);
});

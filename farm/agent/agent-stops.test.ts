/** A node that stops while it waits for work: what it is given in that moment is no build that waits for its lease to end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { createRouterTransport } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { BuildOrderSchema, SignedBuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import {
  ForemanService,
  type LeaseReport,
  type LeaseRequest,
  LeaseStanding,
} from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { testOrder } from '../build/test-order.fixture.ts';
import { testWorkshop } from '../build/test-workshop.fixture.ts';
import type { Workshop } from '../build/workshop.ts';
import { openAgent } from './agent.fixture.ts';

let root: string;
let workshop: Workshop;
let edgeKey: SigningKey;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'agent-stops-'));
  workshop = await testWorkshop(path.join(root, 'state'));
  edgeKey = await signingKey(new Uint8Array(32).fill(7));
});
afterAll(async () => {
  await workshop.close();
  await rm(root, { recursive: true, maxRetries: 5 });
});

/** One that is given to a question that was broken off. */
async function order() {
  const bytes = new Uint8Array(toBinary(BuildOrderSchema, testOrder({}, { leaseId: 'given-late' })));
  return create(SignedBuildOrderSchema, { order: bytes, signature: await edgeKey.sign(bytes) });
}

test.each([
  ['was given nothing meanwhile', false],
  ['was given an order meanwhile', true],
])('and %s says so with the question that it broke off', async (_, isGiven) => {
  const stop = new AbortController();
  const asked: LeaseRequest[] = [];
  const said: LeaseReport[] = [];
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: async (request, { signal }) => {
        asked.push(request);
        if (request.stops) return isGiven ? { order: await order() } : {};
        stop.abort();
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return {};
      },
      report: ({ reports }) => {
        said.push(...reports);
        const standing = LeaseStanding.ENDED;
        return { acknowledgements: reports.map(({ leaseId, sequence }) => ({ leaseId, sequence, standing })) };
      },
    }),
  );
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const { agent, outbox, close } = await openAgent({ directory: root, workshop, edge, edgeKey, log });
  await agent.run(stop.signal);
  expect(asked.map(({ stops }) => stops)).toEqual([false, true]);
  expect(new Set(asked.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  const handedBack = { case: 'handedBack', value: { reason: 'the node stops' } };
  expect(said).toMatchObject(isGiven ? [{ leaseId: 'given-late', event: handedBack }] : []);
  expect([outbox.unacknowledged(), lines]).toEqual([[], []]);
  close();
});

test('beside an edge that hangs stops all the same, and says that it could not tell', async () => {
  const stop = new AbortController();
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: async (_, { signal }) => {
        stop.abort();
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return {};
      },
      report: () => ({}),
    }),
  );
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const { agent, close } = await openAgent({ directory: root, workshop, edge, edgeKey, log });
  await agent.run(stop.signal);
  expect(lines).toEqual([expect.stringContaining('the edge could not be told that this node stops')]);
  close();
});

/**
 * Correctly signed orders that hold what must never reach `make`, through a whole node: it takes each, refuses it by the
 * name of the field, and says so. Only the edge is a stand-in, since no edge would sign such an order; it is asked over the
 * same service.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { createRouterTransport } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { BuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService, LeaseStanding } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { CANARY, MAKE_CANARY } from '../../shared/request/make-canary.fixture.ts';
import { testOrder } from '../build/test-order.fixture.ts';
import { testWorkshop } from '../build/test-workshop.fixture.ts';
import type { Workshop } from '../build/workshop.ts';
import { openAgent } from './agent.fixture.ts';

let root: string;
let workshop: Workshop;
let edgeKey: SigningKey;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'agent-canary-'));
  workshop = await testWorkshop(path.join(root, 'state'));
  edgeKey = await signingKey(new Uint8Array(32).fill(7));
});
afterAll(async () => {
  await workshop.close();
  await rm(root, { recursive: true, maxRetries: 5 });
});

test('a node that gets each of them in a signed order refuses each, by the name of the field', async () => {
  const orders = MAKE_CANARY.map(({ value }, at) => {
    const word = value.replaceAll(CANARY, path.join(root, 'canary'));
    const inputs = at % 2 === 0 ? { addPackages: [word] } : { profile: word };
    return { name: at % 2 === 0 ? 'packages:' : 'profile:', order: testOrder(inputs, { leaseId: `lease-${at}` }) };
  });
  const told = new Map<string, string>();
  const stop = new AbortController();
  let given = 0;
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: async ({ stops }, { signal }) => {
        if (stops) return {};
        const next = orders[given++];
        if (next === undefined) {
          // As the real one waits when there is nothing to do.
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          return {};
        }
        const order = new Uint8Array(toBinary(BuildOrderSchema, next.order));
        return { order: { order, signature: await edgeKey.sign(order) }, edgeTimeMs: BigInt(Date.now()) };
      },
      report: ({ reports }) => {
        for (const { leaseId, event } of reports)
          if (event.case !== 'progress')
            told.set(leaseId, event.case === 'failed' ? event.value.detail : String(event.case));
        if (told.size === orders.length) stop.abort();
        return {
          acknowledgements: reports.map(({ leaseId, sequence, event }) => ({
            leaseId,
            sequence,
            standing: event.case === 'progress' ? LeaseStanding.ACTIVE : LeaseStanding.ENDED,
          })),
        };
      },
    }),
  );
  const { agent, close } = await openAgent({ directory: root, workshop, edge, edgeKey });
  await agent.run(stop.signal);
  close();
  expect([...told.keys()]).toHaveLength(orders.length);
  for (const { name, order } of orders) expect(told.get(order.leaseId)).toMatch(new RegExp(`^${name} expected `));
  expect((await readdir(root, { recursive: true })).filter((file) => file.includes('canary'))).toEqual([]);
});

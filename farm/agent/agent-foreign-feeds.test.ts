/**
 * Foreign feeds, as the owner of a machine has it: what the edge is told, and what is handed back whatever the edge believes. The
 * edge is a stand-in, since no edge would give such an order; it is asked over the same service.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { createRouterTransport } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { BuildOrderSchema, SignedBuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService, type LeaseReport, LeaseStanding } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { FeedOptIn } from '../../shared/trust/foreign-feeds.ts';
import { testOrder } from '../build/test-order.fixture.ts';
import { testWorkshop } from '../build/test-workshop.fixture.ts';
import type { Workshop } from '../build/workshop.ts';
import { openAgent } from './agent.fixture.ts';

let root: string;
let workshop: Workshop;
let edgeKey: SigningKey;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'agent-foreign-feeds-'));
  workshop = await testWorkshop(path.join(root, 'state'));
  edgeKey = await signingKey(new Uint8Array(32).fill(7));
});
afterAll(async () => {
  await workshop.close();
  await rm(root, { recursive: true, maxRetries: 5 });
});

const OWN = 'https://feeds.example/own';
const OTHER = 'https://other.example/feed';
const certificateOf = (tier: string): string => `${Buffer.from(JSON.stringify({ tier })).toString('base64url')}.x`;

let leases = 0;

/** One that ends at once where it is begun: its profile is none. */
async function signed(urls: readonly string[], profile = '$') {
  const repositories = urls.map((url, at) => ({ name: `feed${at}`, url }));
  const built = testOrder({ profile, repositories }, { leaseId: `lease-${++leases}` });
  const order = new Uint8Array(toBinary(BuildOrderSchema, built));
  return create(SignedBuildOrderSchema, { order, signature: await edgeKey.sign(order) });
}

interface Seen {
  readonly told: readonly string[] | undefined;
  readonly event: LeaseReport['event'];
  readonly lines: readonly string[];
}

/** What comes of the one order that the node is given, and what it said of itself when it asked. */
async function given(foreignFeeds: FeedOptIn, certificate: string, urls: readonly string[]): Promise<Seen> {
  const stop = new AbortController();
  const lines: string[] = [];
  const seen: { told?: readonly string[] | undefined; event?: LeaseReport['event'] } = {};
  let isGiven = false;
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: async ({ feeds, stops }, { signal }) => {
        if (stops) return {};
        // As the real one waits when there is nothing to do.
        if (isGiven) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        isGiven = true;
        seen.told = feeds?.prefixes;
        return { order: await signed(urls), edgeTimeMs: BigInt(Date.now()) };
      },
      report: ({ reports }) => {
        for (const { event } of reports)
          if (event.case !== 'progress') {
            seen.event = event;
            stop.abort();
          }
        const standing = LeaseStanding.ENDED;
        return { acknowledgements: reports.map(({ leaseId, sequence }) => ({ leaseId, sequence, standing })) };
      },
    }),
  );
  const log = (line: string) => void lines.push(line);
  const { agent, close } = await openAgent({
    directory: root,
    workshop,
    edge,
    edgeKey,
    foreignFeeds,
    certificate,
    log,
  });
  await agent.run(stop.signal);
  close();
  return { told: seen.told, event: seen.event ?? { case: undefined }, lines };
}

test.each<[string, FeedOptIn, string, readonly string[], boolean]>([
  ['a volunteer whose owner said nothing', null, certificateOf('volunteer'), [OWN], false],
  ['a node of which it cannot be read what it is', null, 'x', [OWN], false],
  ['a node of a tier that is none', null, certificateOf('elder'), [OWN], false],
  ['a trusted node whose owner said nothing', null, certificateOf('trusted'), [OWN, OTHER], true],
  ['a trusted node whose owner wants none', [], certificateOf('trusted'), [OWN], false],
  ['a volunteer whose owner opted in', [OWN], certificateOf('volunteer'), [`${OWN}/24.10`], true],
  ['a volunteer whose owner opted in to one of two', [OWN], certificateOf('volunteer'), [OWN, OTHER], false],
  ['a volunteer whose owner opted in to what begins so', [OWN], certificateOf('volunteer'), [`${OWN}er`], false],
  ['a volunteer whose owner said nothing, without foreign feeds', null, certificateOf('volunteer'), [], true],
])('%s', async (_, feeds, certificate, urls, isBegun) => {
  const { told, event, lines } = await given(feeds, certificate, urls);
  expect(told).toEqual(feeds ?? undefined);
  if (isBegun) expect(event).toMatchObject({ case: 'failed', value: { detail: expect.stringMatching(/^profile: /) } });
  else {
    const reason = 'it needs foreign feeds from which this node does not fetch';
    expect(event).toMatchObject({ case: 'handedBack', value: { reason } });
    expect(lines).toEqual([`an order was handed back: ${reason}`]);
  }
});

test('an order that is brought is held to the same', async () => {
  const stop = new AbortController();
  const asked = Promise.withResolvers<void>();
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: async ({ stops }, { signal }) => {
        if (stops) return {};
        asked.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return {};
      },
      report: () => ({}),
    }),
  );
  const { agent, close } = await openAgent({ directory: root, workshop, edge, edgeKey, foreignFeeds: [OWN] });
  const bring = async (url: string) => await agent.offer(await signed([url], 'acme_x1'));
  expect(await bring(OWN)).toEqual({ state: 'unable', reason: 'the node does not work yet' });
  const running = agent.run(stop.signal);
  await asked.promise;
  expect(await bring(OTHER)).toEqual({
    state: 'unable',
    reason: 'it needs foreign feeds from which this node does not fetch',
  });
  expect(await bring(OWN)).toMatchObject({ state: 'taken' });
  stop.abort();
  expect(await bring(OWN)).toEqual({ state: 'unable', reason: 'the node stops' });
  await running;
  close();
});

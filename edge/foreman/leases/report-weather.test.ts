/**
 * Reports of two nodes about one build in any weather: lost and repeated, doubled, in another order, in one batch or many, at
 * the same moment, after the lease's end and after the decision. What comes of the build must not depend on it.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { fc } from '../../../shared/chance.fixture.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { ReportRequestSchema } from '../../../shared/gen/asu/farm/v1/foreman_pb.js';
import { configOf } from '../../config.ts';
import { env, openUpstream } from '../../edge.fixture.ts';
import { AHEAD, bucket, failed, type OpenedForeman, openForeman, progress } from '../foreman.fixture.ts';

const leaseMs = configOf(env).LEASE_SECONDS * 1000;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  await openUpstream();
});
afterAll(() => {
  vi.useRealTimers();
});

type Event = Parameters<OpenedForeman['report']>[3];

interface Sender {
  readonly nodeId: string;
  readonly leaseId: string;
  /** Numbered from 1; the last is its last word. */
  readonly events: readonly Event[];
  readonly standings: Map<string, string>;
}

/** Sends these numbers in one call, in this order. Returns how the lease stands after each. */
async function standingsAfter(
  foreman: OpenedForeman,
  { leaseId, events }: Sender,
  nodeId: string,
  numbers: readonly number[],
): Promise<string[]> {
  const reports = numbers.map((n) => ({ leaseId, sequence: BigInt(n), event: events[n - 1] as Event }));
  const answer = await foreman.calls.report(
    nodeId,
    new Uint8Array(toBinary(ReportRequestSchema, create(ReportRequestSchema, { reports }))),
  );
  if ('refused' in answer) throw new Error(answer.refused);
  expect(answer.acknowledged.map((each) => [each.leaseId, each.sequence])).toEqual(
    numbers.map((n) => [leaseId, BigInt(n)]),
  );
  return answer.acknowledged.map((each) => each.standing);
}

/** Once a lease was told to be over, it stays so. */
async function send(foreman: OpenedForeman, sender: Sender, numbers: readonly number[]): Promise<void> {
  const { nodeId, leaseId, standings } = sender;
  const wasEnded = standings.get(leaseId) === 'ended';
  const told = await standingsAfter(foreman, sender, nodeId, numbers);
  expect(told).toEqual([...told].sort());
  if (wasEnded) expect(told).not.toContain('active');
  standings.set(leaseId, told.at(-1) ?? '');
}

/**
 * What arrives: of whom, which numbers in one call, whether the network delivers the call twice at the same moment, and whether a
 * stranger among the nodes says the same first.
 */
const arrivals = fc.array(
  fc.record({
    of: fc.nat(1),
    numbers: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    isDoubled: fc.boolean(),
    isForged: fc.boolean(),
  }),
  { maxLength: 6 },
);

let builds = 0;

test.each(['image', 'failure'] as const)(
  'whatever becomes of its reports, the build ends in its %s',
  async (outcome) => {
    const weather = fc.record({ early: arrivals, isLost: fc.boolean(), late: arrivals });
    await fc.assert(
      fc.asyncProperty(weather, async ({ early, isLost, late }) => {
        const foreman = openForeman();
        await foreman.node('a', 'op-a');
        await foreman.node('b', 'op-b');
        await foreman.node('forger', 'op-c');
        const status = await foreman.submit({ intentHash: sha256Hex(`weather ${++builds}`) });
        const hash = status.state === 'queued' ? status.requestHash : '';
        const senders: Sender[] = [];
        const take = async (nodeId: string) => {
          const order = await foreman.lease(nodeId);
          if (!order) return;
          const lastWord =
            outcome === 'image'
              ? await foreman.success(nodeId, order.leaseId)
              : failed('build_failed', 'it did not link');
          senders.push({
            nodeId,
            leaseId: order.leaseId,
            events: [progress(2), progress(8), lastWord],
            standings: new Map(),
          });
        };
        const arrive = async (those: typeof early) => {
          for (const { of, numbers, isDoubled, isForged } of those) {
            const sender = senders[of];
            if (!sender) continue;
            if (isForged) {
              const standings = await standingsAfter(foreman, sender, 'forger', numbers);
              expect(standings).toEqual(numbers.map(() => 'ended'));
            }
            if (isDoubled) await Promise.all([send(foreman, sender, numbers), send(foreman, sender, numbers)]);
            else await send(foreman, sender, numbers);
          }
        };
        await take('a');
        await arrive(early);
        if (isLost) {
          vi.setSystemTime(Date.now() + leaseMs);
          await foreman.alarm();
          await take('b');
        }
        await arrive(late);
        // What was lost is sent again until it is acknowledged, and so is everything else at last.
        for (const sender of senders.toReversed()) await send(foreman, sender, [3]);
        await foreman.untilState(hash, outcome === 'image' ? 'done' : 'failed');
        const decided = await foreman.rows('builds');
        for (const sender of senders) await send(foreman, sender, [1, 2, 3]);

        expect(await foreman.rows('builds')).toEqual(decided);
        expect(decided).toMatchObject([{ attempts: senders.length }]);
        const said = senders.map(({ nodeId }) => ({ node_id: nodeId, outcome, verdict: 'right' }));
        const votes = await foreman.rows('votes');
        expect(votes.toSorted((a, b) => String(a.node_id).localeCompare(String(b.node_id)))).toMatchObject(said);
        expect((await foreman.rows('leases')).map(({ state }) => state)).toEqual(senders.map(() => 'ended'));
        const images = outcome === 'image' ? 1 : 0;
        for (const { nodeId } of senders) {
          const row = (await foreman.rows('nodes')).find(({ id }) => id === nodeId);
          expect(row).toMatchObject({ builds_right: 1, builds_wrong: 0, images });
          // How long it builds is measured once for each build, and not where its word came late.
          const measured = JSON.parse(String(row?.durations)).length;
          expect(isLost ? Math.max(measured, images) : measured).toBe(images);
        }
        const forger = (await foreman.rows('nodes')).find(({ id }) => id === 'forger');
        expect(forger).toMatchObject({ builds_right: 0, builds_wrong: 0, builds_lost: 0, durations: '[]' });
        const counted = (await foreman.rows('counters')).filter(({ what, day }) => what === 'build' && day === 0);
        expect(counted).toMatchObject([{ name: outcome === 'image' ? 'built' : 'failed', n: 1 }]);
        expect((await bucket.head(`builds/${hash}.json`)) !== null).toBe(outcome === 'image');
        expect(await foreman.calls.stats()).toMatchObject({ waiting: 0, live: 0, activeLeases: 0 });
      }),
      { numRuns: 40 },
    );
  },
  120_000,
);

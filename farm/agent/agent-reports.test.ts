/**
 * When a node reports: an end at once, all else with the next regular report. Only the edge and the mirror are stand-ins, since
 * a build has to stand still in the middle; a thousand nodes that tell each step at once are most of what a Foreman can hear.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { toBinary } from '@bufbuild/protobuf';
import { createRouterTransport } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { BuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService, type LeaseReport, LeaseStanding } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { testOrder } from '../build/test-order.fixture.ts';
import { testWorkshop } from '../build/test-workshop.fixture.ts';
import { openAgent } from './agent.fixture.ts';
import { handedBackReport } from './node-report.ts';

let root: string;
let edgeKey: SigningKey;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'agent-reports-'));
  edgeKey = await signingKey(new Uint8Array(32).fill(7));
});
afterAll(() => rm(root, { recursive: true, maxRetries: 5 }));

/** What is reported of a build whose ImageBuilder is asked for, and refused when `release` has come to pass. */
async function reportsOf(
  name: string,
  reportMs: number,
  release: (heard: Promise<void>) => Promise<unknown>,
  nextReportAfterMs = 0,
) {
  const directory = path.join(root, name);
  const begun = Promise.withResolvers<void>();
  const reports: LeaseReport[] = [];
  const mirror = createServer(async (_, response) => {
    await release(begun.promise);
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(mirror, 'listening');
  const url = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
  const workshop = await testWorkshop(path.join(directory, 'state'), { downloadLimits: { attempts: 1, backoffMs: 1 } });
  const order = testOrder({ imageBuilder: { url: `${url}/ib.tar.zst`, sha256: 'a'.repeat(64) }, versionUrl: url });
  const stop = new AbortController();
  let isGiven = false;
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: async ({ stops }, { signal }) => {
        if (stops) return {};
        // As the real one waits when there is nothing to do.
        if (isGiven) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        isGiven = true;
        const bytes = new Uint8Array(toBinary(BuildOrderSchema, order));
        return { order: { order: bytes, signature: await edgeKey.sign(bytes) }, edgeTimeMs: BigInt(Date.now()) };
      },
      report: (request) => {
        reports.push(...request.reports);
        for (const report of request.reports) {
          if (report.event.case === 'progress') begun.resolve();
          else stop.abort();
        }
        return {
          nextReportAfterMs,
          acknowledgements: request.reports.map(({ leaseId, sequence, event }) => ({
            leaseId,
            sequence,
            standing: event.case === 'progress' ? LeaseStanding.ACTIVE : LeaseStanding.ENDED,
          })),
        };
      },
    }),
  );
  const { agent, close } = await openAgent({ directory, workshop, edge, edgeKey, reportMs });
  await agent.run(stop.signal);
  close();
  await workshop.close();
  mirror.closeAllConnections();
  mirror.close();
  return reports.map(({ event }) => event.case);
}

test('an end is told at once, and no step before it', async () => {
  // Longer than the node gathers ends: a step that is told at once is told by then.
  expect(await reportsOf('steps', 600_000, () => sleep(1_000))).toEqual(['failed']);
});

test('what a build is at is told by the next regular report', async () => {
  const told = await reportsOf('regular', 50, (heard) => heard);
  expect(told[0]).toBe('progress');
  expect(told.at(-1)).toBe('failed');
});

test('an edge that asks for rarer reports is heard, and an end is told at once all the same', async () => {
  const told = await reportsOf('rarer', 50, async (heard) => Promise.all([heard, sleep(1_500)]), 20_000);
  // Had it gone on as before, some ten.
  expect(told).toEqual(['progress', 'failed']);
});

test('last words that do not fit into one call follow at once, and not with the next regular report', async () => {
  const directory = path.join(root, 'many');
  const workshop = await testWorkshop(path.join(directory, 'state'));
  // Two fit.
  const words = 'x'.repeat(1_200_000);
  const owed = Array.from({ length: 5 }, (_, at) => `lease-${at}`);
  const told = new Set<string>();
  const stop = new AbortController();
  let toldInTime = 0;
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: async ({ stops }, { signal }) => {
        if (stops) return {};
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return {};
      },
      report: ({ reports }) => {
        for (const { leaseId } of reports) told.add(leaseId);
        if (!stop.signal.aborted) toldInTime = told.size;
        if (told.size === owed.length) stop.abort();
        return {
          acknowledgements: reports.map(({ leaseId, sequence }) => ({
            leaseId,
            sequence,
            standing: LeaseStanding.ENDED,
          })),
        };
      },
    }),
  );
  const { agent, outbox, close } = await openAgent({ directory, workshop, edge, edgeKey, reportMs: 600_000 });
  for (const leaseId of owed) {
    outbox.take(leaseId, 'a'.repeat(64), 0);
    outbox.finish(leaseId, handedBackReport(words));
  }
  // A node that stops says what is left, so what is told by then is all that counts.
  const tooLate = setTimeout(() => stop.abort(), 20_000);
  await agent.run(stop.signal);
  clearTimeout(tooLate);
  expect({ toldInTime, left: outbox.unacknowledged().length }).toEqual({ toldInTime: owed.length, left: 0 });
  close();
  await workshop.close();
});

test('a node that is told to stop does not wait until its edge has heard the last words of an earlier time', async () => {
  const directory = path.join(root, 'first-words');
  const workshop = await testWorkshop(path.join(directory, 'state'));
  const stop = new AbortController();
  let waitedMs = 0;
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: () => ({}),
      report: async ({ reports }, { signal }) => {
        if (!stop.signal.aborted) {
          const isOver = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          const stoppedMs = performance.now();
          stop.abort();
          await isOver;
          waitedMs = performance.now() - stoppedMs;
          return {};
        }
        const standing = LeaseStanding.ENDED;
        return { acknowledgements: reports.map(({ leaseId, sequence }) => ({ leaseId, sequence, standing })) };
      },
    }),
  );
  const { agent, outbox, close } = await openAgent({ directory, workshop, edge, edgeKey });
  outbox.take('earlier', 'a'.repeat(64), 0);
  outbox.finish('earlier', handedBackReport('x'));
  await agent.run(stop.signal);
  // Of a call that is not stopped the patience is half a minute.
  expect(waitedMs).toBeLessThan(20_000);
  expect(outbox.unacknowledged()).toEqual([]);
  close();
  await workshop.close();
}, 120_000);

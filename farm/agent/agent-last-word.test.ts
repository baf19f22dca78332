/**
 * How a node says that a build has succeeded: along with the completion of its files, to an edge that hears it there, and by itself to
 * any other. A whole node and a real build of the demo distribution; only the edge is a stand-in, since it has to lose its answers.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { BuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService, type LeaseReport, LeaseStanding } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { demoOrder, type ServedMirror } from '../build/demo-order.fixture.ts';
import { testWorkshop } from '../build/test-workshop.fixture.ts';
import type { Workshop } from '../build/workshop.ts';
import { generateMirror } from '../demo/generate-mirror.ts';
import { serveMirror } from '../demo/mirror-server.ts';
import { openAgent } from './agent.fixture.ts';

let root: string;
let workshop: Workshop;
let edgeKey: SigningKey;
let demo: ServedMirror;
/** Takes whatever bytes are sent. */
let store: Server;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'agent-last-word-'));
  workshop = await testWorkshop(path.join(root, 'state'));
  edgeKey = await signingKey(new Uint8Array(32).fill(7));
  const mirror = await generateMirror({ directory: path.join(root, 'mirror') });
  demo = { mirror, server: await serveMirror(mirror.directory) };
  store = createServer((request, response) => request.resume().on('end', () => response.end('{}'))).listen(
    0,
    '127.0.0.1',
  );
  await once(store, 'listening');
}, 120_000);
afterAll(async () => {
  await workshop.close();
  await demo.server.close();
  store.closeAllConnections();
  store.close();
  await rm(root, { recursive: true, maxRetries: 5 });
});

const ended = (reports: readonly LeaseReport[]) => ({
  acknowledgements: reports.map(({ leaseId, sequence, event }) => ({
    leaseId,
    sequence,
    standing: event.case === 'progress' ? LeaseStanding.ACTIVE : LeaseStanding.ENDED,
  })),
});

/** A node that builds `leaseId`, says what there is to say of it, and stops. Returns what is left to be said. */
async function workOn(
  leaseId: string,
  calls: Partial<ServiceImpl<typeof ForemanService>>,
  reportMs = 600_000,
): Promise<string[]> {
  const order = await demoOrder(demo, 'opkg', { addPackages: [], removePackages: [] }, { leaseId });
  const stop = new AbortController();
  let isGiven = false;
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: async ({ stops }, { signal }) => {
        if (stops) return {};
        // The slot is free again: the build has ended, and whatever there was to say of it follows within moments.
        if (isGiven) {
          setTimeout(() => stop.abort(), 1_000);
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          return {};
        }
        isGiven = true;
        const bytes = new Uint8Array(toBinary(BuildOrderSchema, order));
        return { order: { order: bytes, signature: await edgeKey.sign(bytes) }, edgeTimeMs: BigInt(Date.now()) };
      },
      requestUpload: ({ file }) => ({ path: `/${file?.name}?permit=some` }),
      requestUploads: ({ files }) => ({ grants: files.map(({ name }) => ({ path: `/${name}?permit=some` })) }),
      ...calls,
    }),
  );
  const edgeUrl = `http://127.0.0.1:${(store.address() as AddressInfo).port}`;
  const { agent, outbox, close } = await openAgent({ directory: root, workshop, edge, edgeKey, edgeUrl, reportMs });
  await agent.run(stop.signal);
  const left = [...outbox.unfinished(), ...outbox.unacknowledged().map((report) => report.leaseId)];
  close();
  return left;
}

/** One build, and in which calls its node spoke of its end: the call, what it said, and the number. */
async function wordsOf(leaseId: string, hears: (tries: number) => 'heard' | 'not heard' | 'lost' | 'lost file') {
  const words: string[] = [];
  const sequences: bigint[] = [];
  let tries = 0;
  const note = (call: string, reports: readonly LeaseReport[]): void => {
    for (const { event, sequence } of reports) {
      if (event.case === 'progress') continue;
      words.push(`${call}: ${event.case}`);
      sequences.push(sequence);
    }
  };
  const left = await workOn(leaseId, {
    completeUploads: ({ files, report }) => {
      const said = hears(++tries);
      note('completeUploads', report?.reports ?? []);
      if (said === 'lost') throw new ConnectError('a line broke', Code.Unavailable);
      if (said === 'lost file') return { lost: files.slice(0, 1).map(({ name }) => name) };
      return said === 'heard' && report ? { report: ended(report.reports) } : {};
    },
    report: ({ reports }) => {
      note('report', reports);
      return ended(reports);
    },
  });
  expect(left, 'nothing is left to be said').toEqual([]);
  return { words, isOneWord: new Set(sequences).size === 1 };
}

test('an edge that hears it along with the files is told nothing more', async () => {
  expect(await wordsOf('heard', () => 'heard')).toEqual({ words: ['completeUploads: succeeded'], isOneWord: true });
}, 120_000);

test('an older edge is told by a report', async () => {
  const { words } = await wordsOf('older', () => 'not heard');
  expect(words).toEqual(['completeUploads: succeeded', 'report: succeeded']);
}, 120_000);

test.each(['lost', 'lost file'] as const)(
  'after a try that came to nothing (%s) the very same word is said again',
  async (what) => {
    expect(await wordsOf(`again-${what.length}`, (tries) => (tries === 1 ? what : 'heard'))).toEqual({
      words: ['completeUploads: succeeded', 'completeUploads: succeeded'],
      isOneWord: true,
    });
  },
  60_000,
);

test.each([1, 2])(
  'a word that is overtaken in %i tries by where its build is, and then by the end of its lease, is taken all the same',
  async (overtaken) => {
    const taken: string[] = [];
    // As the Foreman does: what has a lower number is old, whatever it says, and of a lease that is over the answer is 'ended'.
    let heardUpTo = 0n;
    let isOver = false;
    let nextReport = Promise.withResolvers<void>();
    const take = (reports: readonly LeaseReport[]) => {
      for (const { sequence, event } of reports) {
        if (sequence <= heardUpTo) continue;
        heardUpTo = sequence;
        if (event.case !== 'progress') taken.push(`${event.case}`);
      }
      const standing = isOver || taken.length > 0 ? LeaseStanding.ENDED : LeaseStanding.ACTIVE;
      return { acknowledgements: reports.map(({ leaseId, sequence }) => ({ leaseId, sequence, standing })) };
    };
    let tries = 0;
    const calls = {
      completeUploads: async ({ report }: { readonly report?: { readonly reports: readonly LeaseReport[] } }) => {
        tries += 1;
        const word = report?.reports[0]?.sequence ?? 0n;
        // The edge looks for the files.
        while (tries <= overtaken && heardUpTo <= word) {
          nextReport = Promise.withResolvers();
          await nextReport.promise;
        }
        const answer = take(report?.reports ?? []);
        if (tries > 1) return { report: answer };
        isOver = true;
        throw new ConnectError('a line broke', Code.Unavailable);
      },
      report: ({ reports }: { readonly reports: readonly LeaseReport[] }) => {
        const answer = take(reports);
        nextReport.resolve();
        return answer;
      },
    };
    const left = await workOn(`overtaken-${overtaken}`, calls, 50);
    expect({ taken: taken[0], left }).toEqual({ taken: 'succeeded', left: [] });
  },
  60_000,
);

test('a build whose lease ends while its files are uploaded is handed back for that, and not for a stop of the node', async () => {
  const reasons: string[] = [];
  const uploading = Promise.withResolvers<void>();
  const left = await workOn(
    'over',
    {
      requestUploads: async (_, { signal }) => {
        uploading.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return {};
      },
      report: async ({ reports }) => {
        for (const { event } of reports) if (event.case === 'handedBack') reasons.push(event.value.reason);
        await uploading.promise;
        const standing = LeaseStanding.ENDED;
        return { acknowledgements: reports.map(({ leaseId, sequence }) => ({ leaseId, sequence, standing })) };
      },
    },
    50,
  );
  expect({ reasons, left }).toEqual({ reasons: ['the lease is over'], left: [] });
});

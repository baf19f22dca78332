/**
 * What a registered node might say: thousands of calls of the Foreman's service, all of them rightly signed, by messages that chance has
 * made of the service's own description, in all protocols that are served. Each is answered, or refused by a true error of the protocol;
 * the edge grows by no more than what they say; and afterwards an honest node builds as if nothing had been. FUZZ_CALLS (4,000),
 * others by FUZZ_SEED.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callHeaders } from '../farm/membership/edge-client.ts';
import type { Memberships } from '../farm/membership/membership.ts';
import { loadNodeKey } from '../farm/membership/node-key.ts';
import { FUZZ_SEED, fc } from '../shared/chance.fixture.ts';
import type { SigningKey } from '../shared/crypto/ed25519.ts';
import { BuildOrderSchema } from '../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService } from '../shared/gen/asu/farm/v1/foreman_pb.js';
import { FARM_PROTOCOL } from '../shared/node/farm-protocol.ts';
import { beginPeak, peakBytes } from './evidence/process-usage.ts';
import { pidOf } from './evidence/processes.ts';
import { arbitraryCall, type Call } from './fuzz/arbitrary-call.ts';
import { arbitraryMessage, damagedMessage } from './fuzz/arbitrary-message.ts';
import { askCall, isCutBehindUnread, printed } from './fuzz/ask-call.ts';
import { outcomeOf } from './fuzz/call-answer.ts';
import { playedNode } from './players/played-node.ts';
import { built, post, REQUEST } from './players/router.ts';
import { StackUnderTest } from './stack-under-test.ts';

const CALLS = Number(process.env.FUZZ_CALLS ?? 4_000);
const AT_ONCE = 8;
/** A call that waits for work is left after this; any other has hung by its time. */
const PATIENCE_MS = { waits: 2_000, answers: 120_000 } as const;
/** Of the edge's process, at its largest: eight calls at once with a message of 4 MiB each are some copies of 32 MiB. */
const MAX_GROWTH_BYTES = 256e6;

let stack: StackUnderTest;
let key: SigningKey;
let memberships: Memberships;
let leaseId: string;
let requestHash: string;

beforeAll(async () => {
  stack = await StackUnderTest.start({ runtime: 'workerd' });
  const fuzzer = await playedNode(stack, 'fuzzer');
  ({ key, memberships } = fuzzer);
  requestHash = (await post(stack.url, REQUEST)).body.request_hash;
  const { order } = await fuzzer.client.lease({
    idempotencyKey: 'before-all',
    waitSeconds: 5,
    protocol: FARM_PROTOCOL,
  });
  leaseId = fromBinary(BuildOrderSchema, order?.order ?? new Uint8Array()).leaseId;
  expect(leaseId, 'a lease of its own').not.toBe('');
});
afterAll(() => stack?.close());

/** Null where it is as it should be. */
async function faultOf({ method, body, headers }: Call): Promise<string | null> {
  const url = new URL(`/${ForemanService.typeName}/${method}`, stack.url);
  const digest = createHash('sha256').update(body).digest('hex');
  const signed = await callHeaders(key, memberships.current(), 'POST', url, digest);
  const patienceMs = method === 'Lease' ? PATIENCE_MS.waits : PATIENCE_MS.answers;
  const signal = AbortSignal.timeout(patienceMs);
  try {
    const outcome = outcomeOf(await askCall(url, { ...headers, ...signed }, body, signal));
    count(outcome.kind === 'refused' ? outcome.code : outcome.kind);
    return null;
  } catch (thrown) {
    const error = thrown as Error;
    if (signal.aborted) count('waited');
    if (signal.aborted ? method === 'Lease' : isCutBehindUnread(body, error)) return null;
    return `${method}: ${error.cause ?? error.message} of ${printed(headers, body)}`;
  }
}

const tally = new Map<string, number>();
const count = (outcome: string) => tally.set(outcome, (tally.get(outcome) ?? 0) + 1);

test('whatever a node says is answered or refused in a sentence, and nothing of it is a fault of ours', {
  timeout: 1_200_000,
}, async () => {
  console.log(`FUZZ_SEED=${FUZZ_SEED}`);
  const known = [leaseId, requestHash, 'before-all', 'fuzzer'];
  const calls = fc.sample(arbitraryCall(ForemanService, known), { numRuns: CALLS, seed: FUZZ_SEED });
  const faults: string[] = [];
  const pid = pidOf('serve', path.join(stack.directory, 'serve/workerd.capnp'));
  const before = beginPeak(pid);
  const lane = async (): Promise<void> => {
    for (let call = calls.pop(); call !== undefined && faults.length < 5; call = calls.pop()) {
      const fault = await faultOf(call);
      if (fault !== null) faults.push(fault);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const counts = [...tally].toSorted().map(([outcome, n]) => `${outcome}: ${n}`);
  console.log(`${CALLS} calls: ${counts.join(', ')}`);
  const grown = peakBytes(pid) - before;
  console.log(`memory of the edge: ${(grown / 1e6).toFixed(1)} MB more on ${(before / 1e6).toFixed(1)} MB`);
  expect(faults).toEqual([]);
  expect(grown, 'growth of the process').toBeLessThan(MAX_GROWTH_BYTES);
  for (const outcome of ['answered', 'invalid_argument', 'unimplemented', 'refused by its headers'])
    expect(tally.get(outcome) ?? 0, outcome).toBeGreaterThan(0);
});

test('calls that are not signed, or signed by nobody who joined, are refused before anything is read of them', async () => {
  const stranger = await loadNodeKey(path.join(stack.directory, 'stranger'));
  for (const { name, input } of ForemanService.methods) {
    if (name === 'Join') continue;
    const url = new URL(`/${ForemanService.typeName}/${name}`, stack.url);
    for (const body of fc.sample(damagedMessage(arbitraryMessage(input, [leaseId])), {
      numRuns: 10,
      seed: FUZZ_SEED,
    })) {
      const digest = createHash('sha256').update(body).digest('hex');
      const foreign = await callHeaders(stranger, memberships.current(), 'POST', url, digest);
      const other = await callHeaders(key, memberships.current(), 'POST', url, '0'.repeat(64));
      for (const headers of [{}, foreign, other]) {
        const sent = { 'content-type': 'application/proto', ...headers };
        const response = await fetch(url, { method: 'POST', headers: sent, body: Buffer.from(body) });
        await response.arrayBuffer();
        expect(response.status, name).toBe(401);
      }
    }
  }
});

test('afterwards an honest node builds as if nothing had been', async () => {
  const health = (await (await fetch(`${stack.url}/healthz`)).json()) as { parts: { foreman: { up: boolean } } };
  expect(health.parts.foreman.up).toBe(true);
  await stack.startNode('honest');
  const answer = await built(stack.url, { ...REQUEST, packages: ['vim'] });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
});

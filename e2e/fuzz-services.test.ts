/**
 * What a registered node might say: thousands of calls of the Foreman's service, all of them rightly signed, by messages that chance has
 * made of the service's own description. Each is answered or refused in a sentence; and afterwards an honest node builds as if nothing had
 * been. FUZZ_CALLS (4,000), by FUZZ_SEED where they are to be repeated.
 */
import { createHash, randomInt } from 'node:crypto';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callHeaders } from '../farm/edge-client.ts';
import type { Memberships } from '../farm/membership.ts';
import { loadNodeKey } from '../farm/node-key.ts';
import type { SigningKey } from '../shared/ed25519.ts';
import { FARM_PROTOCOL } from '../shared/farm-protocol.ts';
import { BuildOrderSchema } from '../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService } from '../shared/gen/asu/farm/v1/foreman_pb.js';
import { arbitraryMessage, damagedMessage } from './fuzz/arbitrary-message.ts';
import { playedNode } from './played-node.ts';
import { built, post, REQUEST } from './router.ts';
import { StackUnderTest } from './stack-under-test.ts';

const CALLS = Number(process.env.FUZZ_CALLS ?? 4_000);
const SEED = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
const AT_ONCE = 8;
/** A call that waits for work is left after this; any other has hung by its time. */
const PATIENCE_MS = { waits: 2_000, answers: 120_000 } as const;
/** What a socket takes without anybody reading it. */
const UNREAD_BYTES = 60_000;
/** By Connect's table, and what HTTP itself refuses; 500 would be `internal` or `unknown`, a fault of ours. */
const STATUSES: readonly number[] = [200, 400, 401, 403, 404, 409, 412, 413, 415, 429, 501, 503];

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
});
afterAll(() => stack?.close());

interface Call {
  readonly method: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/** Ordinary most of the time: what is refused by its headers never comes to the message. */
const headersOf = fc.constantFrom<Readonly<Record<string, string>>>(
  ...Array.from({ length: 12 }, () => ({ 'content-type': 'application/proto' })),
  { 'content-type': 'application/json' },
  { 'content-type': 'application/proto', 'content-encoding': 'gzip' },
  { 'content-type': 'application/proto', 'content-encoding': 'br' },
  { 'content-type': 'application/connect+proto' },
  { 'content-type': 'application/grpc+proto' },
  { 'content-type': 'application/proto', 'connect-timeout-ms': '1' },
  { 'content-type': 'application/proto', 'connect-timeout-ms': '99999999999' },
  { 'content-type': 'application/proto', 'connect-protocol-version': '2' },
  { 'content-type': 'text/html' },
);

function arbitraryCall(): fc.Arbitrary<Call> {
  const known = [leaseId, requestHash, 'before-all', 'fuzzer'];
  const calls = ForemanService.methods.map(({ name, input }) =>
    fc.record({ method: fc.constant(name), body: damagedMessage(arbitraryMessage(input, known)), headers: headersOf }),
  );
  const bombs = fc.record({
    method: fc.constantFrom(...ForemanService.methods.map(({ name }) => name)),
    body: fc.constant(new Uint8Array(gzipSync(Buffer.alloc(40_000_000)))),
    headers: fc.constant({ 'content-type': 'application/proto', 'content-encoding': 'gzip' }),
  });
  const json = fc.record({
    method: fc.constantFrom(...ForemanService.methods.map(({ name }) => name)),
    body: fc.json().map((text) => new Uint8Array(Buffer.from(text))),
    headers: fc.constant({ 'content-type': 'application/json' }),
  });
  return fc.oneof(
    { arbitrary: fc.oneof(...calls), weight: 50 },
    { arbitrary: json, weight: 5 },
    { arbitrary: bombs, weight: 1 },
  );
}

/** Null where it is as it should be. */
async function faultOf({ method, body, headers }: Call): Promise<string | null> {
  const url = new URL(`/${ForemanService.typeName}/${method}`, stack.url);
  const digest = createHash('sha256').update(body).digest('hex');
  const signed = await callHeaders(key, memberships.current(), 'POST', url, digest);
  const patienceMs = method === 'Lease' ? PATIENCE_MS.waits : PATIENCE_MS.answers;
  const signal = AbortSignal.timeout(patienceMs);
  try {
    const request = { method: 'POST', headers: { ...headers, ...signed }, body: Buffer.from(body), signal };
    const response = await fetch(url, request);
    const text = await response.text();
    tally.set(response.status, (tally.get(response.status) ?? 0) + 1);
    if (!STATUSES.includes(response.status)) return `${method}: status ${response.status}: ${text.slice(0, 500)}`;
    if (/\n\s+at /.test(text)) return `${method}: a stack: ${text.slice(0, 500)}`;
    if (response.status !== 200 && text.length > 4_000) return `${method}: an error of ${text.length} characters`;
    return null;
  } catch (thrown) {
    const error = thrown as Error;
    // Refused by its headers, the rest of it unread: over TCP that may cost the answer.
    if (!signal.aborted && body.length > UNREAD_BYTES && isCut(error)) return null;
    const sent = `${JSON.stringify(headers)} ${Buffer.from(body).toString('base64').slice(0, 2_000)}`;
    if (!signal.aborted) return `${method}: ${String(error.cause ?? error)} of ${sent}`;
    tally.set(0, (tally.get(0) ?? 0) + 1);
    return method === 'Lease' ? null : `${method}: no answer within ${patienceMs} ms`;
  }
}

const isCut = ({ cause }: Error): boolean =>
  ['EPIPE', 'ECONNRESET'].includes(String((cause as { code?: string })?.code));

const tally = new Map<number, number>();

test('whatever a node says is answered or refused in a sentence, and nothing of it is a fault of ours', {
  timeout: 1_200_000,
}, async () => {
  console.log(`FUZZ_SEED=${SEED}`);
  const calls = fc.sample(arbitraryCall(), { numRuns: CALLS, seed: SEED });
  const faults: string[] = [];
  const lane = async (): Promise<void> => {
    for (let call = calls.pop(); call !== undefined && faults.length < 5; call = calls.pop()) {
      const fault = await faultOf(call);
      if (fault !== null) faults.push(fault);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const counts = [...tally].toSorted(([a], [b]) => a - b).map(([status, n]) => `${status || 'waited'}: ${n}`);
  console.log(`${CALLS} calls: ${counts.join(', ')}`);
  expect(faults).toEqual([]);
  for (const status of [200, 400]) expect(tally.get(status) ?? 0, `of status ${status}`).toBeGreaterThan(0);
});

test('calls that are not signed, or signed by nobody who joined, are refused before anything is read of them', async () => {
  const stranger = await loadNodeKey(path.join(stack.directory, 'stranger'));
  for (const { name, input } of ForemanService.methods) {
    if (name === 'Join') continue;
    const url = new URL(`/${ForemanService.typeName}/${name}`, stack.url);
    for (const body of fc.sample(damagedMessage(arbitraryMessage(input, [leaseId])), { numRuns: 10, seed: SEED })) {
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

/**
 * What is refused has changed nothing: hundreds of calls of the Foreman's service that must be refused, by strangers, by a node that was
 * revoked and by one that says what is wrong, and whatever an operator or a router can see is afterwards what it was before. A build
 * that a node has is still that node's, and one that waits is built by the next. FUZZ_REFUSED (300 of each), others by FUZZ_SEED.
 */
import { createHash, randomInt } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Arbitrary } from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { LIFETIMES } from '../edge/lifetimes.ts';
import { callHeaders } from '../farm/membership/edge-client.ts';
import { loadNodeKey } from '../farm/membership/node-key.ts';
import { FUZZ_SEED, fc } from '../shared/chance.fixture.ts';
import { BuildOrderSchema } from '../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService } from '../shared/gen/asu/farm/v1/foreman_pb.js';
import { FARM_PROTOCOL } from '../shared/node/farm-protocol.ts';
import { nodeIdOf } from '../shared/node/node-identity.ts';
import { storedNames } from './evidence/stored-names.ts';
import { arbitraryCall, type Call, ODD_HEADERS } from './fuzz/arbitrary-call.ts';
import { arbitraryMessage } from './fuzz/arbitrary-message.ts';
import { askCall, isCutBehindUnread, printed } from './fuzz/ask-call.ts';
import { type Outcome, outcomeOf } from './fuzz/call-answer.ts';
import { type PlayedNode, playedNode } from './players/played-node.ts';
import { built, ended, poll, post, REQUEST } from './players/router.ts';
import { StackUnderTest, until } from './stack-under-test.ts';

const CALLS = Number(process.env.FUZZ_REFUSED ?? 300);
const AT_ONCE = 8;
const PATIENCE_MS = 120_000;
const ADMIN_KEY = 'ad'.repeat(32);
const BUCKET = `asu-refused-${randomInt(2 ** 31)}`;
/** These tell the time, how often somebody has asked, or what was since the Foreman woke: it sleeps while only strangers call. */
const OF_THE_CLOCK =
  /^asu_(?:foreman_calls_total|queue_wait_seconds|nodes_present|upstream_age_seconds|build_phase_seconds_\w+)\b/;

/** Of a message that is too large; where the line is cut meanwhile, only its headers were read. */
const BEFORE_ANYTHING_IS_READ: readonly string[] = ['unauthenticated', 'resource_exhausted', 'refused by its headers'];

let stack: StackUnderTest;
let holder: PlayedNode;
let other: PlayedNode;
let revoked: PlayedNode;
let stranger: PlayedNode;
let leaseId: string;
/** One build that is done, one that the holder has, one that waits. */
let hashes: { readonly done: string; readonly leased: string; readonly waiting: string };

beforeAll(async () => {
  console.log(`FUZZ_SEED=${FUZZ_SEED}`);
  // No lease ends by its time here, however slow the machine is.
  const variables = { ADMIN_KEY, LEASE_SECONDS: '600' };
  stack = await StackUnderTest.start({ runtime: 'workerd', s3: inject('s3'), bucket: BUCKET, variables });
  const honest = await stack.startNode('before');
  const done = await built(stack.url, { ...REQUEST, packages: ['vim'] });
  expect(done.status, JSON.stringify(done.body)).toBe(200);
  const { nodes } = (await jsonAt('/api/v1/admin/nodes')) as { nodes: { id: string }[] };
  // It asks for work until it stops, and what it asked would be answered after that: with a build that nobody makes then.
  await acted(nodes[0]?.id ?? '', 'drain');
  await honest.stop();
  await until('its image is in the log', async () => (await fetch(`${stack.url}/log/head`)).ok);
  holder = await playedNode(stack, 'holder');
  other = await playedNode(stack, 'other');
  revoked = await playedNode(stack, 'revoked');
  const key = await loadNodeKey(path.join(stack.directory, 'stranger'));
  stranger = { ...other, key };
  const leased = await post(stack.url, REQUEST);
  const wish = { idempotencyKey: 'before-all', waitSeconds: 20, protocol: FARM_PROTOCOL };
  const { order } = await holder.client.lease(wish);
  const { leaseId: given, requestHash } = fromBinary(BuildOrderSchema, order?.order ?? new Uint8Array());
  expect(requestHash).toBe(leased.body.request_hash);
  leaseId = given;
  const waiting = await post(stack.url, { ...REQUEST, rootfs_size_mb: 300 });
  hashes = { done: done.body.request_hash, leased: requestHash, waiting: waiting.body.request_hash };
  await acted(nodeIdOf(revoked.key.publicKey), 'revoke');
});
afterAll(() => stack?.close());

const asAdmin = { authorization: `Bearer ${ADMIN_KEY}` };
async function acted(id: string, action: string): Promise<void> {
  const request = { method: 'POST', headers: asAdmin, body: '{}' };
  const response = await fetch(`${stack.url}/api/v1/admin/nodes/${id}/${action}`, request);
  expect(response.status, await response.text()).toBe(200);
}
const jsonAt = async (at: string): Promise<unknown> => (await fetch(stack.url + at, { headers: asAdmin })).json();
const without = (names: readonly string[], value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (name, member) => (names.includes(name) ? undefined : member)));

/** What is seen from outside, but for what time alone changes. */
async function seen(): Promise<Readonly<Record<string, unknown>>> {
  // What is kept for a moment would be what was before.
  await sleep(LIFETIMES.healthMs);
  const metrics = await (await fetch(`${stack.url}/metrics`)).text();
  const polls = Object.values(hashes).map(async (hash) => {
    const { status, body } = await poll(stack.url, hash);
    return [status, body.detail, body.imagebuilder_status, body.queue_position, body.images];
  });
  return {
    metrics: metrics.split('\n').filter((line) => line !== '' && !OF_THE_CLOCK.test(line)),
    nodes: await jsonAt('/api/v1/admin/nodes'),
    farm: without(['present'], await jsonAt('/api/v1/nodes')),
    overview: await jsonAt('/api/v1/overview'),
    log: await (await fetch(`${stack.url}/log/head`)).text(),
    polls: await Promise.all(polls),
    stored: (await storedNames(inject('s3'), BUCKET, '')).toSorted(),
  };
}

async function sent(by: PlayedNode | null, { method, headers, body }: Call, signedBody = body): Promise<Outcome> {
  const url = new URL(`/${ForemanService.typeName}/${method}`, stack.url);
  const digest = createHash('sha256').update(signedBody).digest('hex');
  const signed = by ? await callHeaders(by.key, by.memberships.current(), 'POST', url, digest) : {};
  try {
    const answer = await askCall(url, { ...headers, ...signed }, body, AbortSignal.timeout(PATIENCE_MS));
    return outcomeOf(answer);
  } catch (error) {
    if (isCutBehindUnread(body, error as Error)) return { kind: 'refused by its headers' };
    throw new Error(`${method} of ${printed(headers, body)}`, { cause: error });
  }
}

/** @throws Error where one of them is answered */
async function allRefused(
  calls: Arbitrary<Call>,
  send: (call: Call) => Promise<Outcome>,
): Promise<Map<string, number>> {
  const left = fc.sample(calls, { numRuns: CALLS, seed: FUZZ_SEED });
  const tally = new Map<string, number>();
  const lane = async (): Promise<void> => {
    for (let call = left.pop(); call !== undefined; call = left.pop()) {
      const outcome = await send(call);
      if (outcome.kind === 'answered')
        throw new Error(`expected a refusal of ${call.method}: ${printed(call.headers, call.body)}`);
      const told = outcome.kind === 'refused' ? outcome.code : outcome.kind;
      tally.set(told, (tally.get(told) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return tally;
}

const known = (): readonly string[] => [leaseId, ...Object.values(hashes), 'before-all'];

/** Each spoils whatever else chance has put into a message of its method: of a field that is there twice, the second counts. */
const SPOILS = {
  Join: [
    { token: 'x', publicKey: new Uint8Array(32).fill(1), name: 'joiner' },
    { publicKey: new Uint8Array(31).fill(1) },
  ],
  Lease: [
    { idempotencyKey: 'x' },
    { idempotencyKey: 'a/b/c/d/e/f' },
    { feeds: { prefixes: ['ftp://feeds.example/'] } },
  ],
  Report: [{ reports: Array.from({ length: 257 }, () => ({ leaseId: 'x' })) }],
  RequestUpload: [
    { file: { name: '../up', sizeBytes: 1n, sha256: 'a'.repeat(64) } },
    { file: { name: 'a.bin', sizeBytes: 2n ** 62n, sha256: 'a'.repeat(64) } },
    { file: { name: 'a.bin', sizeBytes: 1n, sha256: 'x' } },
    { leaseId: 'LEASE', file: { name: 'a.bin', sizeBytes: 1n, sha256: 'a'.repeat(64) } },
  ],
  CompleteUpload: [
    { leaseId: 'LEASE', name: 'a.bin' },
    { leaseId: 'nobody-has-it', name: 'a.bin' },
  ],
  RequestUploads: [{ files: Array.from({ length: 33 }, () => ({})) }, { files: [{ name: '/' }] }],
  CompleteUploads: [{ leaseId: 'x' }, { leaseId: 'LEASE', files: Array.from({ length: 33 }, () => ({})) }],
} as const;

function spoilt(): Arbitrary<Call> {
  const rows = Object.entries(SPOILS).flatMap(([name, all]) => all.map((fields) => ({ name, fields })));
  return fc.constantFrom(...rows).chain(({ name, fields }) => {
    const method = ForemanService.methods.find((one) => one.name === name) as DescMethod;
    const spoil = create(method.input, named(fields) as MessageInitShape<typeof method.input>);
    const bodies = arbitraryMessage(method.input, known()).map((base) =>
      Buffer.concat([base, toBinary(method.input, spoil)]),
    );
    const headers = fc.oneof(fc.constant({ 'content-type': 'application/proto' }), fc.constantFrom(...ODD_HEADERS));
    return fc.record({ method: fc.constant(name), body: bodies, headers });
  });
}

/** With the lease of somebody else for `LEASE`. */
const named = (fields: object): object =>
  'leaseId' in fields && fields.leaseId === 'LEASE' ? { ...fields, leaseId } : fields;

test('of strangers: nothing that can be seen has changed, and the Foreman has not heard of them', async () => {
  const calls = arbitraryCall(ForemanService, known());
  const before = { seen: await seen(), heard: await stack.foremanCalls() };
  const ways = [
    (call: Call) => sent(null, call),
    (call: Call) => sent(stranger, call),
    (call: Call) => sent(other, call, Buffer.concat([call.body, Buffer.of(0)])),
  ];
  for (const way of ways) {
    const tally = await allRefused(
      calls.filter(({ method }) => method !== 'Join'),
      way,
    );
    console.log([...tally].map(([outcome, n]) => `${outcome}: ${n}`).join(', '));
    expect(tally.get('unauthenticated') ?? 0).toBeGreaterThan(0);
    expect([...tally.keys()].filter((outcome) => !BEFORE_ANYTHING_IS_READ.includes(outcome))).toEqual([]);
  }
  const joins = await allRefused(
    calls.filter(({ method }) => method === 'Join'),
    (call) => sent(null, call),
  );
  expect(joins.get('invalid_argument') ?? 0, 'to join').toBeGreaterThan(0);
  expect(await seen()).toEqual(before.seen);
  const { lease, report, renew } = await stack.foremanCalls();
  // Fewer where it has slept since, and counts anew.
  for (const [now, then] of [
    [lease, before.heard.lease],
    [report, before.heard.report],
    [renew, before.heard.renew],
  ])
    expect(now ?? 0).toBeLessThanOrEqual(then ?? 0);
});

test('of a node that was revoked, and of one that says what is wrong: nothing that can be seen has changed', async () => {
  const before = await seen();
  const ofRevoked = await allRefused(
    arbitraryCall(ForemanService, known()).filter(({ method }) => method !== 'Join'),
    (call) => sent(revoked, call),
  );
  expect(ofRevoked.get('permission_denied') ?? 0).toBeGreaterThan(0);
  const ofWrong = await allRefused(spoilt(), (call) => sent(other, call));
  for (const code of ['invalid_argument', 'failed_precondition', 'unauthenticated'])
    expect(ofWrong.get(code) ?? 0, code).toBeGreaterThan(0);
  for (const tally of [ofRevoked, ofWrong])
    console.log([...tally].map(([outcome, n]) => `${outcome}: ${n}`).join(', '));
  const after = await seen();
  expect(without(['last_seen_at'], after)).toEqual(without(['last_seen_at'], before));
});

test('the build that was leased is still its holder’s to give back, and both are built by the next node', async () => {
  const event = { case: 'handedBack', value: { reason: 'enough' } } as const;
  const { acknowledgements } = await holder.client.report({ reports: [{ leaseId, sequence: 1n, event }] });
  expect(acknowledgements).toMatchObject([{ leaseId, sequence: 1n }]);
  await stack.startNode('afterwards');
  for (const hash of [hashes.leased, hashes.waiting]) {
    const { status, body } = await ended(stack.url, hash);
    expect(status, JSON.stringify(body)).toBe(200);
  }
});

import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it, test, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { ReportRequestSchema } from '../../../shared/gen/asu/farm/v1/foreman_pb.js';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { fileOf, PROFILES_JSON, succeeded } from '../../nodes/farm-node.fixture.ts';
import { bucket, failed, handedBack, IMAGE, type OpenedForeman, progress, withForeman } from '../foreman.fixture.ts';

const leaseMs = configOf(env).LEASE_SECONDS * 1000;
let foreman: OpenedForeman;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('a');
  await foreman.node('b', 'op-b');
  await foreman.submit({ intentHash: sha256Hex(`intent of ${expect.getState().currentTestName}`) });
});

/** All that reports could change; `lastSeenAt` aside, which any call moves. */
const everything = async () => ({
  builds: await foreman.rows('builds'),
  leases: await foreman.rows('leases'),
  votes: await foreman.rows('votes'),
  uploads: await foreman.rows('uploads'),
});

describe('a report', () => {
  it('of progress is told to pollers, with the bytes of a transfer', async () => {
    const order = await foreman.order('a');
    const value = { step: 2, bytesDone: 3n, bytesTotal: 10n };
    expect(await foreman.report('a', order.leaseId, 1, { case: 'progress', value })).toBe('active');
    expect(await foreman.status(order.requestHash)).toMatchObject({
      state: 'running',
      step: 2,
      bytesDone: 3,
      bytesTotal: 10,
    });
  });

  it('of more bytes than can be counted is told in what can be', async () => {
    const order = await foreman.order('a');
    const value = { step: 2, bytesDone: 2n ** 64n - 1n, bytesTotal: 2n ** 53n };
    await foreman.report('a', order.leaseId, 1, { case: 'progress', value });
    const status = await foreman.status(order.requestHash);
    if (status?.state !== 'running') throw new Error(`expected a running build, got ${status?.state}`);
    expect([status.bytesDone, status.bytesTotal].map(Number.isSafeInteger)).toEqual([true, true]);
  });

  it('of a number that was heard already changes nothing, whatever it says', async () => {
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 5, progress(8));
    const event = await foreman.success('a', order.leaseId);
    const before = await everything();
    for (const sequence of [5, 4, 1, 0])
      for (const old of [progress(2), event, failed('conflict'), handedBack, { case: undefined }] as const)
        expect(await foreman.report('a', order.leaseId, sequence, old)).toBe('active');
    expect(await everything()).toEqual(before);
  });

  it('of another node’s lease changes nothing, and tells nothing', async () => {
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, progress(8));
    const event = await foreman.success('a', order.leaseId);
    const before = await everything();
    for (const lie of [progress(2), event, failed('conflict'), handedBack])
      expect(await foreman.report('b', order.leaseId, 9, lie)).toBe('ended');
    expect(await foreman.report('b', 'no-such-lease', 9, failed('conflict'))).toBe('ended');
    expect(await everything()).toEqual(before);
  });

  it.each([
    ['how another operator’s build ended', 'op-v', 'an image', 'quarantined'],
    ['how it failed', 'op-v', 'a failure', 'quarantined'],
    ['where another operator’s build is, as a node of before orders had names', 'op-v', 'a step', 'active'],
    ['what the node’s key of before had to say', 'op-a', 'an image', 'active'],
  ])('of a volunteer: %s', async (_, operator, word, state) => {
    const liar = sha256Hex('a liar');
    await foreman.node(liar, operator, 'volunteer');
    await foreman.alter("UPDATE nodes SET operator = 'op-a' WHERE id = 'a'");
    const order = await foreman.order('a');
    const words = {
      'an image': await foreman.success('a', order.leaseId),
      'a failure': failed('conflict'),
      'a step': progress(8),
    };
    expect(await foreman.report(liar, order.leaseId, 9, words[word as keyof typeof words])).toBe('ended');
    expect((await foreman.rows('nodes')).find(({ id }) => id === liar)).toMatchObject({ state });
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running' });
  });

  it('of many leases is answered for each of them', async () => {
    await foreman.submit({ intentHash: sha256Hex('second') });
    const [one, two] = [await foreman.order('a'), await foreman.order('a')];
    const reports = [
      { leaseId: one.leaseId, sequence: 1n, event: progress(8) },
      { leaseId: two.leaseId, sequence: 1n, event: failed('conflict') },
      { leaseId: 'unknown', sequence: 1n, event: progress(8) },
    ];
    const bytes = toBinary(ReportRequestSchema, create(ReportRequestSchema, { reports }));
    expect(await foreman.calls.report('a', new Uint8Array(bytes))).toEqual({
      acknowledged: [
        { leaseId: one.leaseId, sequence: 1n, standing: 'active' },
        { leaseId: two.leaseId, sequence: 1n, standing: 'ended' },
        { leaseId: 'unknown', sequence: 1n, standing: 'ended' },
      ],
      nextReportAfterMs: expect.any(Number),
    });
  });

  it('of two images in one call tells how long each of them took', async () => {
    await foreman.submit({ intentHash: sha256Hex('a second one') });
    const orders = [await foreman.order('a'), await foreman.order('a')];
    const reports = [];
    for (const { leaseId } of orders)
      reports.push({ leaseId, sequence: 1n, event: await foreman.success('a', leaseId, `of ${leaseId}`) });
    await foreman.calls.report('a', toBinary(ReportRequestSchema, create(ReportRequestSchema, { reports })));
    const node = (await foreman.rows('nodes')).find(({ id }) => id === 'a');
    expect(JSON.parse(String(node?.durations))).toHaveLength(2);
  });

  it('of a large farm is asked to come more rarely, and of a small one as often as it likes', async () => {
    const { leaseId } = await foreman.order('a');
    const asked = async (sequence: number): Promise<number> => {
      const reports = [{ leaseId, sequence: BigInt(sequence), event: progress(8) }];
      const bytes = toBinary(ReportRequestSchema, create(ReportRequestSchema, { reports }));
      const answer = await foreman.calls.report('a', new Uint8Array(bytes));
      return 'refused' in answer ? Number.NaN : answer.nextReportAfterMs;
    };
    // It is counted every few seconds.
    vi.setSystemTime(Date.now() + 6_000);
    expect(await asked(1)).toBe(20);
    // Nine hundred more, each with a lease.
    const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)';
    for (const table of ['nodes', 'leases'] as const) {
      const [row] = await foreman.rows(table);
      const copied = Object.keys(row ?? {}).map((column) =>
        ['id', 'idempotency_key'].includes(column) ? `'copy-' || n.i` : column,
      );
      await foreman.alter(
        `INSERT INTO ${table} (${Object.keys(row ?? {}).join(', ')}) ${numbers} SELECT ${copied.join(', ')}
         FROM n, (SELECT * FROM ${table} LIMIT 1)`,
      );
    }
    vi.setSystemTime(Date.now() + 6_000);
    expect(await asked(2)).toBe(18_020);
  });

  it('that cannot be taken costs its own lease, not the reports beside it', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await foreman.submit({ intentHash: sha256Hex('second') });
    const [one, two] = [await foreman.order('a'), await foreman.order('a')];
    const event = await foreman.success('a', one.leaseId);
    await foreman.alter("UPDATE uploads SET parts = 'no JSON' WHERE lease_id = ?", one.leaseId);
    const reports = [
      { leaseId: one.leaseId, sequence: 1n, event },
      { leaseId: two.leaseId, sequence: 1n, event: progress(8) },
    ];
    const bytes = toBinary(ReportRequestSchema, create(ReportRequestSchema, { reports }));
    expect(await foreman.calls.report('a', new Uint8Array(bytes))).toMatchObject({
      acknowledged: [{ standing: 'ended' }, { standing: 'active' }],
    });
    expect(await foreman.status(one.requestHash)).toMatchObject({ state: 'queued' });
    expect(await foreman.status(two.requestHash)).toMatchObject({ state: 'running', step: 8 });
    expect((await foreman.rows('leases'))[0]?.end_reason).toMatch(/^internal: report not taken: /);
    log.mockRestore();
  });

  it('repeated after its answer was lost ends the build once', async () => {
    const order = await foreman.order('a');
    const event = await foreman.success('a', order.leaseId);
    await Promise.all([1, 1, 1].map((sequence) => foreman.report('a', order.leaseId, sequence, event)));
    await foreman.untilState(order.requestHash, 'done');
    const before = await everything();
    for (const sequence of [1, 2, 3])
      expect(await foreman.report('a', order.leaseId, sequence, failed('conflict'))).toBe('ended');
    expect((await foreman.rows('builds'))[0]).toEqual(before.builds[0]);
    expect(await foreman.rows('votes')).toEqual(before.votes);
  });

  it('of a sequence beyond all numbers ends the lease like any other', async () => {
    const order = await foreman.order('a');
    const reports = [{ leaseId: order.leaseId, sequence: 2n ** 64n - 1n, event: failed('conflict') }];
    const bytes = toBinary(ReportRequestSchema, create(ReportRequestSchema, { reports }));
    expect(await foreman.calls.report('a', new Uint8Array(bytes))).toMatchObject({
      acknowledged: [{ standing: 'ended' }],
    });
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'failed' });
  });
});

describe('a late report', () => {
  async function lateOrder() {
    const order = await foreman.order('a');
    const event = await foreman.success('a', order.leaseId);
    vi.setSystemTime(Date.now() + leaseMs);
    await foreman.alarm();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'queued' });
    return { order, event };
  }

  it('that is valid decides a build that nobody took meanwhile', async () => {
    const { order, event } = await lateOrder();
    expect(await foreman.report('a', order.leaseId, 1, event)).toBe('ended');
    await foreman.untilState(order.requestHash, 'done');
    expect(await foreman.lease('b')).toBeNull();
  });

  it.each<[string, 'image' | 'failure', 'done' | 'failed']>([
    ['an image', 'image', 'done'],
    ['a failure of the request', 'failure', 'failed'],
  ])('of %s decides a build that another is at, and stops that one', async (_, outcome, state) => {
    const { order, event } = await lateOrder();
    const second = await foreman.order('b');
    expect(second.requestHash).toBe(order.requestHash);
    await foreman.report('a', order.leaseId, 1, outcome === 'image' ? event : failed('conflict'));
    await foreman.untilState(order.requestHash, state);
    expect(await foreman.report('b', second.leaseId, 1, progress(8))).toBe('ended');
    expect(await foreman.status(order.requestHash)).toMatchObject({ state });
  });

  it('of a failure with what upstream had before ends nothing that is built with what it has now', async () => {
    const { order } = await lateOrder();
    await foreman.alter("UPDATE leases SET pins = json_set(pins, '$.revision', 'r1-before')");
    const second = await foreman.order('b');
    await foreman.report('a', order.leaseId, 1, failed('conflict'));
    expect(await foreman.report('b', second.leaseId, 1, progress(8))).toBe('active');
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running', step: 8 });
    expect(await foreman.rows('votes')).toMatchObject([{ node_id: 'a', outcome: 'failure', verdict: 'moot' }]);
  });

  it('of a fault of ours does not take the build from who has it now', async () => {
    const { order } = await lateOrder();
    const second = await foreman.order('b');
    await foreman.report('a', order.leaseId, 1, failed('disk_full'));
    expect(await foreman.report('b', second.leaseId, 1, progress(8))).toBe('active');
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running', step: 8 });
  });

  it('of another image, after the build was decided, changes nothing', async () => {
    const { order, event } = await lateOrder();
    const second = await foreman.order('b');
    await foreman.report('b', second.leaseId, 1, await foreman.success('b', second.leaseId, 'the decided image'));
    await foreman.untilState(order.requestHash, 'done');
    await foreman.report('a', order.leaseId, 1, event);
    await foreman.alarm();
    const record = await (await bucket.get(`builds/${order.requestHash}.json`))?.json();
    expect(record).toMatchObject({ leaseId: second.leaseId });
    // Who said what is kept all the same: it is the evidence in a dispute.
    expect((await foreman.rows('votes')).map((vote) => vote.node_id).sort()).toEqual(['a', 'b']);
  });
});

describe('a result that is a lie', () => {
  const described = (fields: object) => (event: ReturnType<typeof succeeded>) => ({
    ...event,
    value: { ...event.value, profilesJson: JSON.stringify({ ...PROFILES_JSON, ...fields }) },
  });
  it.each<[string, (event: ReturnType<typeof succeeded>) => ReturnType<typeof succeeded>]>([
    ['about a file that was never uploaded', () => succeeded([fileOf('ghost.bin', 'ghost')])],
    ['about the digest', () => succeeded([fileOf(IMAGE, 'another image')])],
    ['about the target', described({ target: 'ath79/generic' })],
    ['about the revision', described({ version_code: 'r1-a' })],
    ['about the profile', described({ profiles: {} })],
    ['without a manifest', (event) => ({ ...event, value: { ...event.value, manifest: [] } })],
    ['with another lease’s file', () => succeeded([fileOf('of-b.bin', 'of b')])],
  ])('%s goes to another node, is nobody’s failure and is not published', async (_, lie) => {
    await foreman.submit({ intentHash: sha256Hex('for b') });
    const order = await foreman.order('a');
    const other = await foreman.order('b');
    await foreman.upload('b', other.leaseId, 'of-b.bin', 'of b');
    const file = await foreman.upload('a', order.leaseId);
    expect(await foreman.report('a', order.leaseId, 1, lie(succeeded([file])))).toBe('ended');
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'queued' });
    expect(await foreman.rows('votes')).toEqual([]);
    expect(await bucket.head(`builds/${order.requestHash}.json`)).toBeNull();
    expect((await foreman.rows('leases'))[0]?.end_reason).toMatch(/^internal: result refused: /);
    expect(await foreman.lease('a')).toBeNull();
    expect((await foreman.order('b')).requestHash).toBe(order.requestHash);
  });

  it.each<[string, (leaseId: string) => unknown, string]>([
    ['that neither tables nor store have puts a volunteer out', () => undefined, 'quarantined'],
    [
      'that the store has, and tables that were restored do not, puts nobody out',
      (leaseId) => bucket.put(storeKey.object(leaseId, IMAGE), 'an image'),
      'active',
    ],
    [
      'puts nobody out while the store cannot be asked',
      () => {
        vi.spyOn(console, 'error').mockImplementation(() => undefined);
        vi.spyOn(bucket, 'head').mockRejectedValue(new Error('head: Internal error (10001)'));
      },
      'active',
    ],
  ])('about a file %s', async (situation, happens, state) => {
    await foreman.node('v', 'op-v', 'volunteer');
    await foreman.submit({ intentHash: sha256Hex(`for v: ${situation}`) });
    const { leaseId, requestHash } = await foreman.order('v');
    await happens(leaseId);
    expect(await foreman.report('v', leaseId, 1, succeeded([fileOf(IMAGE, 'an image')]))).toBe('ended');
    vi.restoreAllMocks();
    expect((await foreman.rows('nodes')).find(({ id }) => id === 'v')).toMatchObject({ state });
    expect(await foreman.status(requestHash)).toMatchObject({ state: 'queued' });
  });

  it('about a file that is granted and not complete is none that is published', async () => {
    const order = await foreman.order('a');
    const file = { name: IMAGE, sizeBytes: 8, sha256: sha256Hex('an image') };
    expect(await foreman.calls.grantUploads('a', order.leaseId, [file])).toMatchObject({ ok: true });
    await foreman.report('a', order.leaseId, 1, succeeded([fileOf(IMAGE, 'an image')]));
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'queued' });
  });
});

test('what a node says of a failure is cut to a size, and its end is kept', async () => {
  const order = await foreman.order('a');
  const log = `${'x'.repeat(100_000)}the end`;
  const value = { kind: 'build_failed', detail: 'd'.repeat(5000), stdout: log, stderr: log };
  await foreman.report('a', order.leaseId, 1, { case: 'failed', value });
  const status = await foreman.status(order.requestHash);
  if (status?.state !== 'failed') throw new Error('expected a failure');
  expect(status.failure.detail).toHaveLength(2000);
  expect([status.failure.stdout.length, status.failure.stderr.length]).toEqual([65_536, 65_536]);
  expect(status.failure.stderr).toMatch(/the end$/);
});

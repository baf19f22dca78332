import { beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { LOG_LIMITS, LOG_PERMIT_HEADER } from '../../shared/build/build-log.ts';
import { storeKey } from '../../shared/build/build-record.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { BuildOrder } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { alterTables, ask, env, foremanStub, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import {
  type Bent,
  type FarmNode,
  finish,
  joinNode,
  logPermitOf,
  orderFor,
  put,
  report,
} from '../nodes/farm-node.fixture.ts';

const bucket = env.IMAGES as R2Bucket;
let node: FarmNode;
let other: FarmNode;
let order: BuildOrder;
let wishes = 0;

const nextOrder = async (of: FarmNode, more: object = {}): Promise<BuildOrder> => {
  const { request_hash } = await jsonOf(await post({ ...GOOD_REQUEST, packages: [`wish-${++wishes}`], ...more }));
  for (;;) {
    const given = await orderFor(of);
    // Else of a build that an earlier test left in the queue.
    if (given.requestHash === request_hash) return given;
  }
};

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
  other = await joinNode(2, { operator: 'other' });
});
beforeEach(async () => {
  order = await nextOrder(node);
});

const pathOf = (piece: number | string, leaseId = order.leaseId): string => `/farm/v1/logs/${leaseId}/${piece}`;
const write = (text: string, piece: number | string = 1, by = node, bent: Bent = {}): Promise<Response> =>
  put(by, pathOf(piece), text, bent);
const stored = async (piece = 1, leaseId = order.leaseId): Promise<string | undefined> =>
  (await bucket.get(storeKey.log(leaseId, piece)))?.text();
/** Status and reason. */
const said = async (response: Response): Promise<[number, unknown]> => [
  response.status,
  (await jsonOf(response)).detail,
];

test('a piece is kept under its lease and number, and again is no other', async () => {
  expect(await said(await write('one\n'))).toEqual([200, 'stored']);
  const { version } = (await bucket.head(storeKey.log(order.leaseId, 1))) as R2Object;
  expect(await said(await write('one\n'))).toEqual([200, 'stored']);
  expect(await bucket.head(storeKey.log(order.leaseId, 1))).toMatchObject({ version });
  expect(await stored()).toBe('one\n');
  expect(await said(await write('two\n', 2))).toEqual([200, 'stored']);
  expect(await stored(2)).toBe('two\n');
});

test('pieces of a lease cost the Foreman one question, and a refusal one each time', async () => {
  const asked = async (): Promise<number> => (await foremanStub().stats()).calls.log ?? 0;
  const before = await asked();
  for (let piece = 1; piece <= 4; piece += 1) expect((await write(`${piece}\n`, piece)).status).toBe(200);
  expect(await asked()).toBe(before + 1);
  for (let times = 1; times <= 2; times += 1) {
    expect(await said(await write('one\n', 1, other))).toEqual([403, 'this node holds no such lease']);
    expect(await asked()).toBe(before + 1 + times);
  }
});

describe('the permit that came with the order', () => {
  const asked = async (): Promise<number> => (await foremanStub().stats()).calls.log ?? 0;
  const withPermit = (permit: string): Bent => ({ headers: { [LOG_PERMIT_HEADER]: permit } });

  it('spares the Foreman the question', async () => {
    const before = await asked();
    for (let piece = 1; piece <= 3; piece += 1)
      expect((await write(`${piece}\n`, piece, node, withPermit(logPermitOf(order)))).status).toBe(200);
    expect(await asked()).toBe(before);
  });

  it.each([
    [
      'another node that shows it',
      async () => write('one\n', 1, other, withPermit(logPermitOf(order))),
      'no such lease',
    ],
    [
      'a lease that is over, with the permit of another',
      async () => {
        const over = order;
        await finish(node, over);
        const { leaseId } = await nextOrder(node);
        return put(node, pathOf(1, over.leaseId), 'one\n', withPermit(logPermitOf({ ...over, leaseId })));
      },
      'the lease is over',
    ],
    [
      'one that was bent',
      async () => {
        await finish(node, order);
        return write('one\n', 1, node, withPermit(logPermitOf(order).replace(/^./, '9')));
      },
      'the lease is over',
    ],
  ])('is worth nothing to %s: the Foreman is asked', async (_, send, reason) => {
    const before = await asked();
    expect(await said(await send())).toEqual([403, expect.stringContaining(reason)]);
    expect(await asked()).toBe(before + 1);
  });

  it('does not let anything be written over, nor more pieces than a log has', async () => {
    const bent = withPermit(logPermitOf(order));
    await write('one\n', 1, node, bent);
    expect((await write('two\n', 1, node, bent)).status).toBe(409);
    expect((await write('two\n', LOG_LIMITS.pieces + 1, node, bent)).status).toBe(400);
  });

  it('is none for a build with a first-boot script', async () => {
    order = await nextOrder(node, { defaults: 'echo hunter2' });
    expect(logPermitOf(order)).toBe('');
    expect(await said(await write('hunter2\n', 1, node, withPermit('')))).toEqual([403, 'a private build has no log']);
  });
});

test('a piece that comes after the last word is put under its own lease, and changes nothing else', async () => {
  await write('one\n');
  await finish(node, order);
  const images = async () => (await bucket.list({ prefix: storeKey.object(order.leaseId, '') })).objects;
  const before = await images();
  expect(before).not.toEqual([]);
  expect(await said(await write('late\n', 2))).toEqual([200, 'stored']);
  expect(await said(await write('other\n', 1))).toEqual([409, 'piece 1 is written already, with other bytes']);
  expect(await images()).toEqual(before);
  expect([await stored(1), await stored(2)]).toEqual(['one\n', 'late\n']);
});

test('what is written stays', async () => {
  await write('one\n');
  expect(await said(await write('another\n'))).toEqual([409, 'piece 1 is written already, with other bytes']);
  expect(await stored()).toBe('one\n');
});

describe('a piece is refused', () => {
  it.each(['0', '-1', '01', '1.5', '129', '1e2', 'x', '..%2f1', '1%0a'])('with the number %s', async (piece) => {
    expect((await write('one\n', piece)).status).toBe(400);
  });

  it('with nothing in it', async () => {
    expect((await write('')).status).toBe(400);
  });

  it('with more than a piece has', async () => {
    expect((await write('x'.repeat(LOG_LIMITS.pieceBytes + 1))).status).toBe(413);
    expect((await write('x'.repeat(LOG_LIMITS.pieceBytes))).status).toBe(200);
  });

  it('with other bytes than were signed', async () => {
    const response = await write('one\n', 1, node, { headers: { 'asu-body-sha256': sha256Hex('two\n') } });
    expect(response.status).toBe(401);
    const swapped = await put(node, pathOf(1), 'one\n', {
      signedBody: sha256Hex('two\n'),
      headers: { 'asu-body-sha256': sha256Hex('two\n') },
    });
    expect(await said(swapped)).toEqual([400, `expected a body with sha256 ${sha256Hex('two\n')}`]);
  });

  it('without a signature, and for another path than was signed', async () => {
    expect((await ask(pathOf(1), { method: 'PUT', body: 'one\n' })).status).toBe(401);
    expect((await write('one\n', 1, node, { signedPath: pathOf(2) })).status).toBe(401);
  });

  it('of another node’s lease, and of none', async () => {
    const none = [403, 'this node holds no such lease'];
    expect(await said(await write('one\n', 1, other))).toEqual(none);
    expect(await said(await put(node, pathOf(1, 'no-such-lease'), 'one\n'))).toEqual(none);
    expect(await said(await put(node, pathOf(1, '..%2f..%2fbuilds'), 'one\n'))).toEqual(none);
  });

  it('once the build is done', async () => {
    await finish(node, order);
    expect(await said(await write('late\n'))).toEqual([403, 'the lease is over']);
  });

  it('once the lease is lost', async () => {
    await report(node, order.leaseId, 1, { case: 'failed', value: { kind: 'node_lost', detail: 'x' } });
    expect(await said(await write('late\n'))).toEqual([403, 'the lease is over']);
  });

  it('when another node is at the build', async () => {
    const [of, hash] = ['UPDATE builds SET lease_id = ? WHERE request_hash = ?', order.requestHash];
    await alterTables(foremanStub(), of, 'of-another', hash);
    expect(await said(await write('late\n'))).toEqual([403, 'the build is over, or another node is at it']);
    await alterTables(foremanStub(), of, order.leaseId, hash);
  });

  it('from a node that was revoked', async () => {
    const revoked = await joinNode(3);
    order = await nextOrder(revoked);
    await alterTables(foremanStub(), "UPDATE nodes SET state = 'revoked' WHERE id = ?", revoked.id);
    expect(await said(await write('one\n', 1, revoked))).toEqual([403, 'this node was revoked']);
  });

  it('of a build with a first-boot script', async () => {
    order = await nextOrder(node, { defaults: 'echo hunter2' });
    expect(await said(await write('hunter2\n'))).toEqual([403, 'a private build has no log']);
    expect(await stored()).toBeUndefined();
  });
});

test.each(['GET', 'POST', 'DELETE'])('%s is no way to a log', async (method) => {
  expect((await ask(pathOf(1), { method })).status).toBe(405);
});

test('a store that is away is told as such, and the piece may be sent again', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const spy = vi.spyOn(bucket, 'put').mockRejectedValue(new Error('put: Internal error at 10.0.0.1 (10001)'));
  const [status, detail] = await said(await write('one\n'));
  expect([status, detail]).toEqual([503, expect.stringContaining('store of the images does not answer')]);
  // Whoever lends a machine need not know where the store is; the operator has to.
  expect(detail).not.toContain('10.0.0.1');
  expect(JSON.stringify(log.mock.calls)).toContain('10.0.0.1');
  spy.mockRestore();
  log.mockRestore();
  expect((await write('one\n')).status).toBe(200);
});

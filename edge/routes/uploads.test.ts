/** What a node reads when its bytes are not taken: whose fault it was, and nothing of where the store is. */
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { env, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { type FarmNode, fileOf, good, joinNode, lease, put } from '../nodes/farm-node.fixture.ts';
import { R2ObjectStore } from '../storage/r2.ts';
import { refusalError } from '../storage/s3-error.ts';

const bucket = env.IMAGES as R2Bucket;
let node: FarmNode;
let path = '';

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
  await post(GOOD_REQUEST);
  const order = await lease(node);
  if (!order) throw new Error('expected an order');
  ({ path } = await good(node, 'requestUpload', { leaseId: order.leaseId, file: fileOf('x.bin', 'bytes') }));
});
afterEach(() => {
  vi.restoreAllMocks();
});

test('a store that is away: the bytes may come again, and the operator reads why', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  vi.spyOn(bucket, 'put').mockRejectedValue(new Error('put: Internal error at 10.0.0.1 (10001)'));
  const away = await put(node, path, 'bytes');
  const body = await jsonOf(away);
  expect([away.status, body.detail]).toEqual([503, expect.stringContaining('store of the images does not answer')]);
  expect(JSON.stringify(body)).not.toContain('10.0.0.1');
  expect(JSON.stringify(log.mock.calls)).toContain('10.0.0.1');
  vi.restoreAllMocks();
  expect((await put(node, path, 'bytes')).status).toBe(200);
});

test('other bytes: they are refused, in words of ours', async () => {
  const place = 'PUT http://10.0.0.1:9000/images/objects/x';
  const refused = refusalError({ status: 400, code: 'BadDigest', message: 'no' }, place);
  vi.spyOn(R2ObjectStore.prototype, 'put').mockRejectedValue(refused);
  const answer = await put(node, path, 'bytes');
  expect([answer.status, (await jsonOf(answer)).detail]).toEqual([
    400,
    expect.stringMatching(/^expected a body of 5 bytes with sha256 [0-9a-f]{64}, got another$/),
  ]);
});

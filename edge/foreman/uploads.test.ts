import { beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { storeKey } from '../../shared/build-record.ts';
import { sha256Hex } from '../../shared/digest.ts';
import type { BuildOrder } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { configOf } from '../config.ts';
import { ask, env, GOOD_REQUEST, openUpstream, post } from '../edge.fixture.ts';
import {
  call,
  type FarmNode,
  fileOf,
  good,
  joinNode,
  lease,
  put,
  report,
  signedHeaders,
  upload,
} from '../farm-node.fixture.ts';
import { PART_BYTES } from '../uploads.ts';
import { bucket } from './foreman.fixture.ts';

let node: FarmNode;
let other: FarmNode;
let order: BuildOrder;
let wishes = 0;

async function nextOrder(of: FarmNode): Promise<BuildOrder> {
  await post({ ...GOOD_REQUEST, packages: [`wish-${++wishes}`] });
  const given = await lease(of);
  if (!given) throw new Error('expected an order');
  return given;
}

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
  other = await joinNode(2, { operator: 'other' });
});
beforeEach(async () => {
  order = await nextOrder(node);
});

const pathOf = (name: string) => `/farm/v1/objects/${order.leaseId}/${name}`;
const stored = async (name: string) => (await bucket.get(storeKey.object(order.leaseId, name)))?.text();

test('a file that was granted, sent and completed is there, bound to its lease', async () => {
  const file = fileOf('image+1~x.bin', 'bytes');
  const granted = await good(node, 'requestUpload', { leaseId: order.leaseId, file });
  expect(granted).toMatchObject({ complete: false, path: pathOf('image%2B1~x.bin'), partSizeBytes: 0n });
  expect((await put(node, granted.path, 'bytes')).status).toBe(200);
  await good(node, 'completeUpload', { leaseId: order.leaseId, name: file.name });
  expect(await stored(file.name)).toBe('bytes');
  // Asked for again, after a lost answer, there is nothing to send.
  expect(await good(node, 'requestUpload', { leaseId: order.leaseId, file })).toMatchObject({ complete: true });
  await good(node, 'completeUpload', { leaseId: order.leaseId, name: file.name });
});

describe('a grant is refused', () => {
  it.each<[string, Partial<ReturnType<typeof fileOf>>, string]>([
    ['for a name that climbs', { name: '../x' }, 'invalid_argument'],
    ['for a name with a slash', { name: 'a/b' }, 'invalid_argument'],
    ['for a hidden name', { name: '.x' }, 'invalid_argument'],
    ['for no name', { name: '' }, 'invalid_argument'],
    ['for a name without end', { name: 'x'.repeat(201) }, 'invalid_argument'],
    ['for nothing', { sizeBytes: 0n }, 'invalid_argument'],
    [
      'for more than an image may have',
      { sizeBytes: BigInt(configOf(env).MAX_IMAGE_MB) * 1048576n + 1n },
      'invalid_argument',
    ],
    ['for a digest that is none', { sha256: 'x' }, 'invalid_argument'],
    ['for a digest in capitals', { sha256: 'A'.repeat(64) }, 'invalid_argument'],
  ])('%s', async (_, bent, code) => {
    const file = { ...fileOf('x.bin', 'bytes'), ...bent };
    expect(await call(node, 'requestUpload', { leaseId: order.leaseId, file })).toMatchObject({ code });
  });

  it('for another node’s lease', async () => {
    const file = fileOf('x.bin', 'bytes');
    expect(await call(other, 'requestUpload', { leaseId: order.leaseId, file })).toMatchObject({
      code: 'failed_precondition',
      error: expect.stringContaining('this node holds no such lease'),
    });
    expect(await call(node, 'requestUpload', { leaseId: 'no-such-lease', file })).toMatchObject({
      code: 'failed_precondition',
    });
  });

  it('for other bytes under a name that was granted', async () => {
    await good(node, 'requestUpload', { leaseId: order.leaseId, file: fileOf('x.bin', 'bytes') });
    expect(await call(node, 'requestUpload', { leaseId: order.leaseId, file: fileOf('x.bin', 'bytez') })).toMatchObject(
      {
        code: 'failed_precondition',
        error: expect.stringContaining('x.bin was granted with another size or digest'),
      },
    );
  });

  it('for more files than a build has, and for more bytes', async () => {
    const max = BigInt(configOf(env).MAX_IMAGE_MB) * 1048576n;
    const file = fileOf('x.bin', 'bytes');
    await good(node, 'requestUpload', { leaseId: order.leaseId, file });
    const huge = { ...file, name: 'huge.bin', sizeBytes: max };
    expect(await call(node, 'requestUpload', { leaseId: order.leaseId, file: huge })).toMatchObject({
      code: 'invalid_argument',
    });
    for (let n = 1; n < 128; n++)
      await good(node, 'requestUpload', { leaseId: order.leaseId, file: { ...file, name: `x${n}.bin` } });
    expect(
      await call(node, 'requestUpload', { leaseId: order.leaseId, file: { ...file, name: 'y.bin' } }),
    ).toMatchObject({
      code: 'invalid_argument',
      error: expect.stringContaining('expected at most 128 files'),
    });
  });

  it('after the lease has ended', async () => {
    await upload(node, order.leaseId, 'early.bin', 'bytes');
    await report(node, order.leaseId, 1, { case: 'failed', value: { kind: 'conflict' } });
    const file = fileOf('x.bin', 'bytes');
    expect(await call(node, 'requestUpload', { leaseId: order.leaseId, file })).toMatchObject({
      code: 'failed_precondition',
      error: expect.stringContaining('the lease is over'),
    });
    expect((await put(node, pathOf('early.bin'), 'bytes')).status).toBe(403);
    expect(await call(node, 'completeUpload', { leaseId: order.leaseId, name: 'early.bin' })).toMatchObject({
      code: 'failed_precondition',
    });
  });
});

describe('bytes are refused', () => {
  beforeEach(async () => {
    await good(node, 'requestUpload', { leaseId: order.leaseId, file: fileOf('x.bin', 'bytes') });
  });

  it.each<[string, () => Promise<Response>, number]>([
    ['that were not granted', () => put(node, pathOf('other.bin'), 'bytes'), 403],
    ['of another digest', () => put(node, pathOf('x.bin'), 'bytez'), 400],
    ['of another size', () => put(node, pathOf('x.bin'), 'byte'), 400],
    ['from another node', () => put(other, pathOf('x.bin'), 'bytes'), 403],
    ['as a part of what is no upload in parts', () => put(node, `${pathOf('x.bin')}?part=1`, 'bytes'), 400],
    ['as a part that is no number', () => put(node, `${pathOf('x.bin')}?part=-1`, 'bytes'), 400],
    ['under a name that climbs', () => put(node, pathOf('..%2f..%2fbuilds%2fx.json'), 'bytes'), 400],
    ['of a node that is not there', () => ask(pathOf('x.bin'), { method: 'PUT', body: 'bytes' }), 401],
  ])('%s', async (_, send, status) => {
    expect((await send()).status).toBe(status);
    expect(await stored('x.bin')).toBeUndefined();
  });

  it('that are others than the digest that was signed', async () => {
    const headers = await signedHeaders(node, 'PUT', pathOf('x.bin'), sha256Hex('bytes'));
    headers.set('content-length', '5');
    const response = await ask(pathOf('x.bin'), { method: 'PUT', headers, body: 'BYTES' });
    expect([response.status, await stored('x.bin')]).toEqual([400, undefined]);
    expect(await call(node, 'completeUpload', { leaseId: order.leaseId, name: 'x.bin' })).toMatchObject({
      code: 'data_loss',
    });
    // And the honest bytes are still welcome.
    expect((await put(node, pathOf('x.bin'), 'bytes')).status).toBe(200);
  });

  it('without a length', async () => {
    const headers = await signedHeaders(node, 'PUT', pathOf('x.bin'), sha256Hex('bytes'));
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('bytes'));
        controller.close();
      },
    });
    expect((await ask(pathOf('x.bin'), { method: 'PUT', headers, body })).status).toBe(411);
  });

  it('a second time, once the file is complete', async () => {
    await put(node, pathOf('x.bin'), 'bytes');
    await good(node, 'completeUpload', { leaseId: order.leaseId, name: 'x.bin' });
    expect((await put(node, pathOf('x.bin'), 'bytes')).status).toBe(409);
    expect(await stored('x.bin')).toBe('bytes');
  });
});

describe('a file is not complete', () => {
  it('that was never granted', async () => {
    expect(await call(node, 'completeUpload', { leaseId: order.leaseId, name: 'x.bin' })).toMatchObject({
      code: 'failed_precondition',
      error: expect.stringContaining('x.bin was not granted'),
    });
  });

  it('of which no byte was sent', async () => {
    await good(node, 'requestUpload', { leaseId: order.leaseId, file: fileOf('x.bin', 'bytes') });
    expect(await call(node, 'completeUpload', { leaseId: order.leaseId, name: 'x.bin' })).toMatchObject({
      code: 'data_loss',
    });
  });
});

describe('a file larger than one request', { timeout: 120_000 }, () => {
  const tail = 'the tail';
  const sizeBytes = PART_BYTES + tail.length;
  const part = (n: number) => `${pathOf('large.bin')}?part=${n}`;

  /** 64 MiB of zeros and a tail, never held as one string. */
  async function digestOf(last: string): Promise<string> {
    const whole = new Uint8Array(sizeBytes);
    whole.set(new TextEncoder().encode(last), PART_BYTES);
    return [...new Uint8Array(await crypto.subtle.digest('SHA-256', whole))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
  }

  async function putZeros(n: number): Promise<Response> {
    const zeros = new Uint8Array(PART_BYTES);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', zeros));
    const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const headers = await signedHeaders(node, 'PUT', part(n), sha256);
    headers.set('content-length', String(PART_BYTES));
    return ask(part(n), { method: 'PUT', headers, body: zeros });
  }

  it('comes in parts, whose whole is hashed before it counts', async () => {
    const file = { name: 'large.bin', sizeBytes: BigInt(sizeBytes), sha256: await digestOf(tail) };
    const granted = await good(node, 'requestUpload', { leaseId: order.leaseId, file });
    expect(granted.partSizeBytes).toBe(BigInt(PART_BYTES));
    expect((await put(node, pathOf('large.bin'), tail)).status).toBe(400);
    expect((await put(node, part(3), tail)).status).toBe(400);
    expect((await put(node, part(1), tail)).status).toBe(400);
    expect((await put(node, part(2), 'a lie!!!')).status).toBe(200);
    expect(await call(node, 'completeUpload', { leaseId: order.leaseId, name: file.name })).toMatchObject({
      code: 'failed_precondition',
      error: expect.stringContaining('parts 1 were not uploaded'),
    });
    expect((await putZeros(1)).status).toBe(200);
    expect(await call(node, 'completeUpload', { leaseId: order.leaseId, name: file.name })).toMatchObject({
      code: 'data_loss',
    });
    expect(await bucket.head(storeKey.object(order.leaseId, file.name))).toBeNull();

    // The same again, honestly.
    await good(node, 'requestUpload', { leaseId: order.leaseId, file });
    expect((await putZeros(1)).status).toBe(200);
    expect((await put(node, part(2), tail)).status).toBe(200);
    await good(node, 'completeUpload', { leaseId: order.leaseId, name: file.name });
    expect((await bucket.head(storeKey.object(order.leaseId, file.name)))?.size).toBe(sizeBytes);
    expect((await put(node, part(2), tail)).status).toBe(409);
  });
});

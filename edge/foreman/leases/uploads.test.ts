import { beforeEach, describe, expect, it, test } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import type { BuildOrder } from '../../../shared/gen/asu/farm/v1/build_pb.js';
import { configOf } from '../../config.ts';
import { ask, env, foremanStats } from '../../edge.fixture.ts';
import { LIFETIMES } from '../../lifetimes.ts';
import {
  call,
  type FarmNode,
  fileOf,
  good,
  put,
  report,
  signedHeaders,
  upload,
  uploadAll,
} from '../../nodes/farm-node.fixture.ts';
import { PART_BYTES } from '../../uploads/uploads.ts';
import { bucket } from '../foreman.fixture.ts';
import { withOrder } from './orders.fixture.ts';

let node: FarmNode;
let other: FarmNode;
let order: BuildOrder;

withOrder((ordered) => {
  ({ node, other, order } = ordered);
});

const pathOf = (name: string) => `/farm/v1/objects/${order.leaseId}/${name}`;
const stored = async (name: string) => (await bucket.get(storeKey.object(order.leaseId, name)))?.text();

const uploadCalls = async () => (await foremanStats()).calls.upload ?? 0;

test('a file that was granted, sent and completed is there, bound to its lease', async () => {
  const file = fileOf('image+1~x.bin', 'bytes');
  const granted = await good(node, 'requestUpload', { leaseId: order.leaseId, file });
  expect(granted).toMatchObject({ complete: false, partSizeBytes: 0n });
  expect(granted.path.split('?')[0]).toBe(pathOf('image%2B1~x.bin'));
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

describe('files of a build together', () => {
  const A = fileOf('a.bin', 'bytes of a');
  const B = fileOf('b.bin', 'bytes of b');
  const askFor = (method: 'requestUploads' | 'completeUploads', files: readonly (typeof A)[], of = node) =>
    call(of, method, { leaseId: order.leaseId, files: [...files] });

  it('cost the Foreman two calls, five files as well as one', async () => {
    const texts = Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`file-${n}.bin`, `bytes ${n}`]));
    const before = await uploadCalls();
    await uploadAll(node, order.leaseId, texts);
    expect((await uploadCalls()) - before).toBe(2);
    for (const [name, text] of Object.entries(texts)) expect(await stored(name)).toBe(text);
    // Once more, after a lost answer: nothing is to be sent, nothing is lost.
    const files = Object.entries(texts).map(([name, text]) => fileOf(name, text));
    const { grants } = await good(node, 'requestUploads', { leaseId: order.leaseId, files });
    expect(grants.map(({ complete }) => complete)).toEqual([true, true, true, true, true]);
    expect(await good(node, 'completeUploads', { leaseId: order.leaseId, files })).toMatchObject({ lost: [] });
  });

  it('are granted in the order in which they were asked for, where the build had some of them', async () => {
    await good(node, 'requestUpload', { leaseId: order.leaseId, file: B });
    const { grants } = await good(node, 'requestUploads', { leaseId: order.leaseId, files: [A, B] });
    expect(grants.map(({ path }) => path.split('?')[0])).toEqual([pathOf('a.bin'), pathOf('b.bin')]);
  });

  const many = (count: number) => Array.from({ length: count }, (_, n) => ({ ...A, name: `x${n}.bin` }));
  it.each<[string, readonly (typeof A)[], string]>([
    ['none', [], 'files: expected 1 to 32, got 0'],
    ['more than a call may have', many(33), 'files: expected 1 to 32, got 33'],
    ['two of one name', [A, B, A], 'files[2].name: expected a.bin once'],
    ['a name that climbs', [A, { ...B, name: '../b' }], 'files[1].name: expected letters'],
    ['nothing', [A, { ...B, sizeBytes: 0n }], 'files[1].size_bytes of b.bin: expected 1 to'],
    ['a digest that is none', [A, { ...B, sha256: 'B'.repeat(64) }], 'files[1].sha256 of b.bin: expected 64 hex'],
  ])('are refused for %s among them, and which is said', async (_, files, error) => {
    for (const method of ['requestUploads', 'completeUploads'] as const)
      expect(await askFor(method, files)).toMatchObject({
        code: 'invalid_argument',
        error: expect.stringContaining(error),
      });
    expect((await put(node, pathOf('a.bin'), 'bytes of a')).status, 'none of them is granted').toBe(403);
  });

  it('are granted all or none', async () => {
    await good(node, 'requestUpload', { leaseId: order.leaseId, file: B });
    expect(await askFor('requestUploads', [A, fileOf('b.bin', 'other bytes')])).toMatchObject({
      code: 'failed_precondition',
      error: expect.stringContaining('b.bin was granted with another size or digest'),
    });
    const half = BigInt(configOf(env).MAX_IMAGE_MB) * 524_288n;
    const files = [A, ...many(2).map((file) => ({ ...file, sizeBytes: half }))];
    expect(await askFor('requestUploads', files)).toMatchObject({
      code: 'invalid_argument',
      error: expect.stringContaining('in all files of a build'),
    });
    expect((await put(node, pathOf('a.bin'), 'bytes of a')).status).toBe(403);
    const rest = many(128);
    for (let at = 0; at < 96; at += 32)
      expect(await askFor('requestUploads', rest.slice(at, at + 32))).toHaveProperty('message');
    expect(await askFor('requestUploads', rest.slice(96)), 'b.bin was one of the 128').toMatchObject({
      code: 'invalid_argument',
      error: expect.stringContaining('expected at most 128 files'),
    });
    expect(await askFor('requestUploads', rest.slice(97))).toHaveProperty('message');
  });

  it('are complete but for those that are lost, which are named', async () => {
    await good(node, 'requestUploads', { leaseId: order.leaseId, files: [A, B] });
    await put(node, pathOf('b.bin'), 'bytes of b');
    expect(await askFor('completeUploads', [A, B])).toMatchObject({ message: { lost: ['a.bin'] } });
    expect((await put(node, pathOf('b.bin'), 'bytes of b')).status).toBe(409);
    expect((await put(node, pathOf('a.bin'), 'bytes of a')).status).toBe(200);
    expect(await askFor('completeUploads', [A, B])).toMatchObject({ message: { lost: [] } });
  });

  it('are none of them complete where one was not granted like this', async () => {
    await good(node, 'requestUpload', { leaseId: order.leaseId, file: A });
    await put(node, pathOf('a.bin'), 'bytes of a');
    // There, but as another file: it is the grant that says what it has to be.
    const claimed = { ...fileOf('c.bin', 'claimed'), name: 'c.bin' };
    await good(node, 'requestUpload', { leaseId: order.leaseId, file: fileOf('c.bin', 'granted') });
    await bucket.put(storeKey.object(order.leaseId, 'c.bin'), 'claimed', { sha256: claimed.sha256 });
    for (const [files, error] of [
      [[A, B], 'b.bin was not granted'],
      [[A, claimed], 'c.bin was granted with another size or digest'],
    ] as const)
      expect(await askFor('completeUploads', files)).toMatchObject({
        code: 'failed_precondition',
        error: expect.stringContaining(error),
      });
    expect(await good(node, 'requestUpload', { leaseId: order.leaseId, file: A })).toMatchObject({ complete: false });
  });

  it('are not one that comes in parts, which is read and hashed', async () => {
    const large = { ...A, name: 'large.bin', sizeBytes: BigInt(PART_BYTES) + 1n };
    const { grants } = await good(node, 'requestUploads', { leaseId: order.leaseId, files: [A, large] });
    expect(grants.map(({ partSizeBytes }) => partSizeBytes)).toEqual([0n, BigInt(PART_BYTES)]);
    expect(await askFor('completeUploads', [large])).toMatchObject({
      code: 'invalid_argument',
      error: expect.stringContaining('large.bin is an upload in parts'),
    });
    expect(await askFor('completeUploads', [{ ...large, sizeBytes: 1n }])).toMatchObject({
      code: 'failed_precondition',
    });
  });

  it('are neither granted to nor completed by another node, nor under a lease that is none', async () => {
    await good(node, 'requestUploads', { leaseId: order.leaseId, files: [A] });
    await put(node, pathOf('a.bin'), 'bytes of a');
    for (const method of ['requestUploads', 'completeUploads'] as const)
      expect(await askFor(method, [A], other)).toMatchObject({
        code: 'failed_precondition',
        error: expect.stringContaining('this node holds no such lease'),
      });
    expect(await call(node, 'completeUploads', { leaseId: '../builds/x', files: [A] })).toMatchObject({
      code: 'invalid_argument',
      error: expect.stringContaining('lease_id'),
    });
    expect(await good(node, 'requestUpload', { leaseId: order.leaseId, file: A })).toMatchObject({ complete: false });
  });
});

describe('the permit in the address of a file', () => {
  const file = fileOf('x.bin', 'bytes');
  let path: string;

  beforeEach(async () => {
    const { grants } = await good(node, 'requestUploads', { leaseId: order.leaseId, files: [file] });
    path = grants[0]?.path ?? '';
  });

  it('spares the Foreman the question, as often as the bytes are sent', async () => {
    const before = await uploadCalls();
    for (let times = 1; times <= 2; times += 1) expect((await put(node, path, 'bytes')).status).toBe(200);
    expect(await uploadCalls()).toBe(before);
    expect((await put(node, pathOf('x.bin'), 'bytes')).status, 'without it').toBe(200);
    expect(await uploadCalls()).toBe(before + 1);
  });

  it.each<[string, () => Promise<Response>, number]>([
    ['other bytes', () => put(node, path, 'bytez'), 400],
    ['a byte less', () => put(node, path, 'byte'), 400],
    ['another node', () => put(other, path, 'bytes'), 403],
    ['another file', () => put(node, path.replace('x.bin', 'y.bin'), 'bytes'), 403],
    ['another lease', () => put(node, path.replace(order.leaseId, 'another'), 'bytes'), 403],
    ['a part of it', () => put(node, `${path}&part=1`, 'bytes'), 400],
    ['other bytes than were signed', () => put(node, path, 'bytez', { headers: digestOfFile }), 401],
  ])('is none for %s', async (_, send, status) => {
    expect((await send()).status).toBe(status);
    expect(await stored('x.bin')).toBeUndefined();
    expect((await put(node, path, 'bytes')).status, 'the honest bytes are still welcome').toBe(200);
  });
  const digestOfFile = { 'asu-body-sha256': file.sha256 };

  it('lets the very same bytes in when the file is complete, and no others', async () => {
    await put(node, path, 'bytes');
    await good(node, 'completeUploads', { leaseId: order.leaseId, files: [file] });
    expect((await put(node, path, 'bytes')).status).toBe(200);
    expect((await put(node, path, 'bytez')).status).toBe(409);
    expect(await stored('x.bin')).toBe('bytes');
  });

  it('lets bytes in when the lease has ended, but they never count', async () => {
    await report(node, order.leaseId, 1, { case: 'failed', value: { kind: 'conflict' } });
    expect((await put(node, path, 'bytes')).status).toBe(200);
    const over = { code: 'failed_precondition', error: expect.stringContaining('the lease is over') };
    const { leaseId } = order;
    expect(await call(node, 'completeUploads', { leaseId, files: [file] })).toMatchObject(over);
    expect(await call(node, 'completeUpload', { leaseId, name: 'x.bin' })).toMatchObject(over);
    expect(await call(node, 'requestUploads', { leaseId, files: [file] })).toMatchObject(over);
    expect((await put(node, pathOf('x.bin'), 'bytes')).status, 'and without it none').toBe(403);
  });

  it('ends soon', async () => {
    const permit = Number(new URL(path, 'https://edge').searchParams.get('permit')?.split('.')[0]);
    expect(permit).toBeLessThanOrEqual(Date.now() + LIFETIMES.grantMs);
    await report(node, order.leaseId, 1, { case: 'failed', value: { kind: 'conflict' } });
    const longer = await put(node, path.replace(String(permit), String(permit + 1)), 'bytes');
    expect(longer.status, 'nobody can make it last longer').toBe(403);
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
      // It may have sent them for a try that ended without its hearing of it: it is to send all of them again.
      code: 'data_loss',
      error: expect.stringContaining('parts 1 were not uploaded'),
    });
    expect((await putZeros(1)).status).toBe(200);
    expect(await call(node, 'completeUpload', { leaseId: order.leaseId, name: file.name })).toMatchObject({
      code: 'data_loss',
    });
    // What is stored there claims to be what was promised, and is not; that is no completion, with parts or without.
    for (const again of [1, 2])
      expect(await call(node, 'completeUpload', { leaseId: order.leaseId, name: file.name }), `${again}`).toMatchObject(
        {
          code: 'data_loss',
        },
      );
    expect((await put(node, pathOf('large.bin'), tail)).status, 'nor is it one PUT now').toBe(400);

    // The same again, honestly.
    await good(node, 'requestUpload', { leaseId: order.leaseId, file });
    expect((await putZeros(1)).status).toBe(200);
    expect((await put(node, part(2), tail)).status).toBe(200);
    await good(node, 'completeUpload', { leaseId: order.leaseId, name: file.name });
    expect((await bucket.head(storeKey.object(order.leaseId, file.name)))?.size).toBe(sizeBytes);
    expect((await put(node, part(2), tail)).status).toBe(409);
  });
});

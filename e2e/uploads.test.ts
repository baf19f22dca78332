/** Uploads as a node makes them and as a lying one would, against the real edge, on R2 and on S3. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { create, fromBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { callHeaders, type ForemanClient } from '../farm/membership/edge-client.ts';
import type { Memberships } from '../farm/membership/membership.ts';
import { uploadThroughEdge } from '../farm/upload/through-edge.ts';
import type { SigningKey } from '../shared/crypto/ed25519.ts';
import { BuildOrderSchema, BuildSucceededSchema } from '../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService, LeaseStanding } from '../shared/gen/asu/farm/v1/foreman_pb.js';
import { FARM_PROTOCOL } from '../shared/node/farm-protocol.ts';
import { badLine } from './lines/bad-line.ts';
import { playedNode } from './players/played-node.ts';
import { poll, post, REQUEST } from './players/router.ts';
import { StackUnderTest, until } from './stack-under-test.ts';

/** Above one PUT (64 MiB), so that it goes in parts. */
const LARGE_BYTES = 70 * 1024 * 1024;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.each(['R2', 'S3'] as const)('a node without keys of the store uploads to %s', (store) => {
  let stack: StackUnderTest;
  let key: SigningKey;
  let memberships: Memberships;
  let client: ForemanClient;
  let leaseId: string;
  let requestHash: string;

  beforeAll(async () => {
    stack = await StackUnderTest.start({
      ...(store === 'S3' && { s3: inject('s3') }),
      variables: { LEASE_SECONDS: '300' },
    });
    ({ key, memberships, client } = await playedNode(stack, 'honest'));
    requestHash = (await post(stack.url, REQUEST)).body.request_hash;
    const { order } = await client.lease({ idempotencyKey: 'upload-test-1', waitSeconds: 5, protocol: FARM_PROTOCOL });
    leaseId = fromBinary(BuildOrderSchema, order?.order ?? new Uint8Array()).leaseId;
  });
  afterAll(() => stack?.close());

  const put = async (name: string, bytes: Uint8Array<ArrayBuffer>, signedSha256: string, part?: number) => {
    const url = new URL(`/farm/v1/objects/${leaseId}/${name}${part === undefined ? '' : `?part=${part}`}`, stack.url);
    const headers = await callHeaders(key, memberships.current(), 'PUT', url, signedSha256);
    const response = await fetch(url, { method: 'PUT', headers, body: bytes });
    return { status: response.status, text: await response.text() };
  };

  const codeOf = async (call: Promise<unknown>): Promise<Code | 'answered'> =>
    call.then(
      () => 'answered' as const,
      (error) => ConnectError.from(error).code,
    );

  test('a file of 70 MiB goes in parts, is hashed as a whole, and may be sent again without harm', async () => {
    const bytes = randomBytes(LARGE_BYTES);
    const file = path.join(stack.directory, 'large.bin');
    await writeFile(file, bytes);
    const described = { name: 'large.bin', path: file, sizeBytes: bytes.length, sha256: sha256(bytes) };
    const progress: number[] = [];
    const upload = () =>
      uploadThroughEdge([described], {
        edgeUrl: stack.url,
        client,
        key,
        membership: memberships.current,
        leaseId,
        signal: AbortSignal.timeout(120_000),
        onProgress: (done) => progress.push(done),
      });
    await upload();
    await upload();
    expect(progress).toEqual([LARGE_BYTES, LARGE_BYTES]);
    const again = await put('large.bin', new Uint8Array(bytes.subarray(0, 1000)), sha256(bytes.subarray(0, 1000)), 1);
    expect(again.status).toBe(409);
  });

  const namesOfCalls = ['requestUpload', 'requestUploads', 'completeUpload', 'completeUploads'] as const;

  /** The client, and how often each call of an upload was made. */
  function counting(of: ForemanClient): { readonly client: ForemanClient; readonly calls: Record<string, number> } {
    const calls: Record<string, number> = {};
    const counted = namesOfCalls.map((name) => [
      name,
      (...given: never[]) => {
        calls[name] = (calls[name] ?? 0) + 1;
        return (of[name] as (...given: never[]) => unknown)(...given);
      },
    ]);
    return { client: { ...of, ...Object.fromEntries(counted) }, calls };
  }

  /** Written to disk, of a name that no other test has. */
  async function filesOf(what: string, count: number) {
    return Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const bytes = randomBytes(1_000 + n);
        const name = `${what}-${n}.bin`;
        const file = path.join(stack.directory, name);
        await writeFile(file, bytes);
        return { name, path: file, sizeBytes: bytes.length, sha256: sha256(bytes) };
      }),
    );
  }

  /** Uploads them, and once more, which shows that all of them are complete. Returns the calls of the first time. */
  async function uploadAll(
    files: Awaited<ReturnType<typeof filesOf>>,
    { by = client, edgeUrl = stack.url }: { readonly by?: ForemanClient; readonly edgeUrl?: string } = {},
  ): Promise<Record<string, number>> {
    const counted = counting(by);
    const progress: number[] = [];
    const context = {
      edgeUrl,
      client: counted.client,
      key,
      membership: memberships.current,
      leaseId,
      signal: AbortSignal.timeout(120_000),
      onProgress: (done: number) => progress.push(done),
    };
    await uploadThroughEdge(files, context);
    let done = 0;
    expect(progress, 'once for each file').toEqual(files.map(({ sizeBytes }) => (done += sizeBytes)));
    const calls = { ...counted.calls };
    const described = files.map((file) => ({ ...file, sizeBytes: BigInt(file.sizeBytes) }));
    for (const file of described)
      expect(await client.requestUpload({ leaseId, file }), file.name).toMatchObject({ complete: true });
    return calls;
  }

  test.each([
    ['five', 5, 1],
    ['more than a call may have', 33, 2],
  ])('files, %s, are asked for together and completed together', async (what, count, times) => {
    expect(await uploadAll(await filesOf(`together-${what.length}`, count))).toEqual({
      requestUploads: times,
      completeUploads: times,
    });
  });

  test('an edge that knows neither call is asked file by file', async () => {
    const unknown = (name: string) => name.replace(/Uploads$/, 'UploadsOfTomorrow');
    const older = createClient(
      ForemanService,
      createConnectTransport({
        baseUrl: stack.url,
        httpVersion: '1.1',
        interceptors: [(next) => (request) => next({ ...request, url: unknown(request.url) })],
      }),
    );
    const by = { ...client, requestUploads: older.requestUploads, completeUploads: older.completeUploads };
    expect(await uploadAll(await filesOf('older', 2), { by })).toEqual({
      requestUploads: 1,
      requestUpload: 2,
      completeUploads: 1,
      completeUpload: 2,
    });
    const half = { ...client, completeUploads: older.completeUploads };
    expect(await uploadAll(await filesOf('half', 2), { by: half }), 'one isolate is newer than another').toEqual({
      requestUploads: 1,
      completeUploads: 1,
      completeUpload: 2,
    });
  });

  test.each([
    ['is broken off', 'break', [0, 1, 1, 2], { requestUploads: 1, requestUpload: 1, completeUploads: 1 }],
    ['is answered, but lost', 'lose', [0, 1, 2, 1], { requestUploads: 1, requestUpload: 1, completeUploads: 2 }],
  ] as const)('where a PUT %s, its file alone is sent again', async (_, fate, puts, calls) => {
    const line = await badLine(stack.url, `${fate}-1.bin`, fate);
    try {
      expect(await uploadAll(await filesOf(fate, 3), { edgeUrl: line.url })).toEqual(calls);
      expect(line.puts).toEqual(puts.map((n) => `${fate}-${n}.bin`));
    } finally {
      await line.close();
    }
  });

  test('a whole whose parts are in order but whose digest is not is refused and removed', async () => {
    const bytes = randomBytes(LARGE_BYTES);
    const promised = sha256(Buffer.concat([bytes.subarray(1), Buffer.of(7)]));
    await client.requestUpload({
      leaseId,
      file: { name: 'liar.bin', sizeBytes: BigInt(bytes.length), sha256: promised },
    });
    const partBytes = 64 * 1024 * 1024;
    for (const [part, piece] of [bytes.subarray(0, partBytes), bytes.subarray(partBytes)].entries())
      expect((await put('liar.bin', new Uint8Array(piece), sha256(piece), part + 1)).status).toBe(200);
    expect(await codeOf(client.completeUpload({ leaseId, name: 'liar.bin' }))).toBe(Code.DataLoss);
  });

  test('bytes other than those that were granted, or signed for, are refused', async () => {
    const bytes = new TextEncoder().encode('the real image');
    const other = new TextEncoder().encode('another image!');
    await client.requestUpload({
      leaseId,
      file: { name: 'a.bin', sizeBytes: BigInt(bytes.length), sha256: sha256(bytes) },
    });
    expect((await put('a.bin', other, sha256(other))).status, 'another digest than granted').toBe(400);
    expect((await put('a.bin', other, sha256(bytes))).status, 'a digest that is not of the bytes').toBe(400);
    expect((await put('a.bin', bytes.slice(1), sha256(bytes))).status, 'another size').toBe(400);
    expect((await put('b.bin', bytes, sha256(bytes))).status, 'a name that was not granted').toBe(403);
    expect(await codeOf(client.completeUpload({ leaseId, name: 'a.bin' })), 'nothing was stored').toBe(Code.DataLoss);
    const regrant = client.requestUpload({
      leaseId,
      file: { name: 'a.bin', sizeBytes: BigInt(other.length), sha256: sha256(other) },
    });
    expect(await codeOf(regrant), 'another digest under a granted name').toBe(Code.FailedPrecondition);
  });

  test.each([
    ['a path', '../x'],
    ['a hidden file', '.x'],
    ['a slash', 'a/b'],
    ['nothing', ''],
    ['201 characters', 'x'.repeat(201)],
  ])('a name that is %s is refused', async (_, name) => {
    const asked = client.requestUpload({ leaseId, file: { name, sizeBytes: 1n, sha256: 'a'.repeat(64) } });
    expect(await codeOf(asked)).toBe(Code.InvalidArgument);
  });

  test('a node can neither write to nor speak of the lease of another', async () => {
    const stranger = await playedNode(stack, 'stranger');
    const file = { name: 'x.bin', sizeBytes: 1n, sha256: 'a'.repeat(64) };
    expect(await codeOf(stranger.client.requestUpload({ leaseId, file }))).toBe(Code.FailedPrecondition);
    const { acknowledgements } = await stranger.client.report({
      reports: [
        { leaseId, sequence: 99n, event: { case: 'failed', value: { kind: 'unknown_package', detail: 'a lie' } } },
      ],
    });
    expect(acknowledgements[0]?.standing).toBe(LeaseStanding.ENDED);
    expect((await poll(stack.url, requestHash)).status, 'the build goes on').toBe(202);
  });

  test('a success that names files which are not there is never a 200', async () => {
    const claim = create(BuildSucceededSchema, {
      files: [{ name: 'ghost.bin', sizeBytes: 5n, sha256: 'b'.repeat(64) }],
      images: [
        { name: 'ghost.bin', type: 'sysupgrade', filesystem: 'squashfs', sha256: 'b'.repeat(64), sizeBytes: 5n },
      ],
      manifest: [{ name: 'luci', version: '1' }],
      profilesJson: '{}',
    });
    const { acknowledgements } = await client.report({
      reports: [{ leaseId, sequence: 100n, event: { case: 'succeeded', value: claim } }],
    });
    expect(acknowledgements[0]?.standing).toBe(LeaseStanding.ENDED);
    // What a poll was told is told again for a second.
    await until('the build is back in the queue', async () => {
      const { status, body } = await poll(stack.url, requestHash);
      expect(status).toBe(202);
      return body.imagebuilder_status === 'queued';
    });
    expect((await fetch(`${stack.url}/store/${requestHash}/ghost.bin`)).status).toBe(404);
  });
});

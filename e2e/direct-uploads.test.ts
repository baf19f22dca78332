/** Trusted nodes that put files into the store by themselves: what arrives, what a liar gains by it, and what is done without it. */
import { createHash, randomBytes } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { seeded } from '../bench/random.ts';
import { PART_BYTES } from '../farm/upload/direct-store.ts';
import { FUZZ_SEED } from '../shared/chance.fixture.ts';
import { BuildOrderSchema } from '../shared/gen/asu/farm/v1/build_pb.js';
import { FARM_PROTOCOL } from '../shared/node/farm-protocol.ts';
import { nodeIdOf } from '../shared/node/node-identity.ts';
import { s3Client, storedNames } from './evidence/stored-names.ts';
import { type WatchedLine, watchedLine } from './lines/watched-line.ts';
import { TWO_OF_TWO } from './players/farm-operator.ts';
import { playedNode } from './players/played-node.ts';
import { built, download, ended, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, type NodeUnderTestOptions, StackUnderTest, until } from './stack-under-test.ts';

/** In parts of 8 MiB, a little more than four. */
const LARGE_MIB = 33;
const BUCKET = 'asu-direct-uploads';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A node that a test plays itself, with an order for a build that `request` asks for. */
async function played(stack: StackUnderTest, name: string, tier: 'trusted' | 'volunteer', request: unknown) {
  const { key, client } = await playedNode(stack, name, tier);
  await post(stack.url, request);
  const asking = { idempotencyKey: `${name}-order`, waitSeconds: 10, protocol: FARM_PROTOCOL };
  const order = await until('an order', async () => (await client.lease(asking)).order);
  return { client, leaseId: fromBinary(BuildOrderSchema, order.order).leaseId, nodeId: nodeIdOf(key.publicKey) };
}

const described = (name: string, bytes: Uint8Array) => ({
  name,
  sizeBytes: BigInt(bytes.length),
  sha256: sha256(bytes),
});

const codeOf = (call: Promise<unknown>): Promise<Code | 'answered'> =>
  call.then(
    () => 'answered' as const,
    (error) => ConnectError.from(error).code,
  );

describe('with DIRECT_UPLOADS', () => {
  let stack: StackUnderTest;
  let edgeLine: WatchedLine;
  let storeLine: WatchedLine;
  let serial = 0;
  let running: NodeUnderTest | undefined;

  beforeAll(async () => {
    stack = await StackUnderTest.start({
      s3: inject('s3'),
      bucket: BUCKET,
      largeMib: LARGE_MIB,
      variables: { DIRECT_UPLOADS: '1', ALLOW_DEFAULTS: '1', LEASE_SECONDS: '60' },
    });
    edgeLine = await watchedLine(stack.url);
    storeLine = await watchedLine(inject('s3').endpoint);
  });
  afterEach(async () => {
    await running?.kill();
    running = undefined;
    storeLine.setFate(() => 'through');
  });
  afterAll(async () => {
    await stack?.close();
    await edgeLine?.close();
    await storeLine?.close();
  });

  const withKeys = (secretAccessKey = inject('s3').secretAccessKey) => ({
    ASU_NODE_S3_ENDPOINT: storeLine.url,
    ASU_NODE_S3_BUCKET: BUCKET,
    ASU_NODE_S3_REGION: inject('s3').region,
    ASU_NODE_S3_ACCESS_KEY_ID: inject('s3').accessKeyId,
    ASU_NODE_S3_SECRET_ACCESS_KEY: secretAccessKey,
  });
  const start = async (options: NodeUnderTestOptions = {}): Promise<NodeUnderTest> => {
    serial += 1;
    running = await stack.startNode(`n${serial}`, {
      edgeUrl: edgeLine.url,
      environment: withKeys(),
      ...options,
    });
    return running;
  };
  /** A build that nobody asked for yet. */
  const fresh = () => ({ ...REQUEST, rootfs_size_mb: 100 + ++serial });
  const puts = (line: WatchedLine, from: number, prefix: string) =>
    line.seen.slice(from).filter(({ method, path: at }) => method === 'PUT' && at.startsWith(prefix));
  const parts = (from: number): number[] =>
    storeLine.seen.slice(from).flatMap(({ path: at }) => {
      const part = /partNumber=(\d+)/.exec(at)?.[1];
      return part === undefined ? [] : [Number(part)];
    });

  async function expectWhole(answer: Awaited<ReturnType<typeof built>>): Promise<void> {
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(answer.body.images.length).toBeGreaterThan(0);
    for (const image of answer.body.images)
      expect((await download(stack.url, answer.body.bin_dir, image.name)).sha256).toBe(image.sha256);
  }

  test('an image goes into the store past the edge, is served as it is, and leaves nothing behind', async () => {
    const [edgeFrom, storeFrom] = [edgeLine.seen.length, storeLine.seen.length];
    const node = await start();
    await expectWhole(await built(stack.url, fresh()));
    expect(puts(edgeLine, edgeFrom, '/farm/v1/objects/')).toEqual([]);
    const sent = puts(storeLine, storeFrom, `/${BUCKET}/`);
    expect(sent.length).toBeGreaterThan(5);
    expect(sent.filter(({ path: at }) => !at.startsWith(`/${BUCKET}/incoming/`))).toEqual([]);
    expect(sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(LARGE_MIB * 1024 * 1024);
    expect(parts(storeFrom).toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect(await storedNames(inject('s3'), BUCKET, 'incoming/')).toEqual([]);
    expect(node.lines.filter((line) => line.includes('not used'))).toEqual([]);
  });

  test('a node that is killed in the middle of a file goes on with it, and does not build again', async () => {
    const from = storeLine.seen.length;
    storeLine.setFate(({ path: at }) => (at.includes('partNumber=3') ? 'withheld' : 'through'));
    const node = await start();
    const { body } = await post(stack.url, fresh());
    await until('the third part is on its way', () => parts(from).includes(3));
    await node.kill();
    storeLine.setFate(() => 'through');
    await node.restart();
    await expectWhole(await ended(stack.url, body.request_hash));
    const told = (word: string) =>
      node.lines.filter((line) => line.startsWith(`${word} ${body.request_hash.slice(0, 12)}`));
    expect([told('building').length, told('going on with the upload of').length]).toEqual([1, 1]);
    expect(parts(from)).toEqual([1, 2, 3, 3, 4, 5]);
  });

  test('lines to the store that are cut at random delay the image, and no more', async () => {
    const random = seeded(FUZZ_SEED);
    const cutsOf = new Map<string, number>();
    let cuts = 0;
    storeLine.setFate(({ method, path: at }) => {
      const before = cutsOf.get(at) ?? 0;
      // Of one file or part fewer than let a node give the store up.
      if (method !== 'PUT' || cuts >= 6 || before >= 3 || (cuts > 0 && random() < 0.5)) return 'through';
      cuts += 1;
      cutsOf.set(at, before + 1);
      return { cutAfterBytes: Math.floor(random() * (at.includes('partNumber') ? PART_BYTES : 1000)) };
    });
    const from = edgeLine.seen.length;
    await start();
    await expectWhole(await built(stack.url, fresh()));
    expect(cuts).toBeGreaterThan(0);
    expect(puts(edgeLine, from, '/farm/v1/objects/')).toEqual([]);
  });

  test('an image with a first-boot script goes through the edge: nothing private lies where the edge does not clear', async () => {
    const [edgeFrom, storeFrom] = [edgeLine.seen.length, storeLine.seen.length];
    await start();
    await expectWhole(await built(stack.url, { ...fresh(), defaults: 'uci set system.@system[0].hostname=x' }));
    expect(puts(edgeLine, edgeFrom, '/farm/v1/objects/').length).toBeGreaterThan(0);
    expect(puts(storeLine, storeFrom, '/')).toEqual([]);
  });

  test.each([
    ['refuses the key', () => ({ environment: withKeys('another secret') }), 'through', 2],
    ['is always overloaded', () => ({}), { status: 503 }, 1],
    ['takes files and loses them', () => ({}), { status: 200 }, 1],
  ] as const)('where the store %s, files go through the edge, which is told once', async (_, options, fate, images) => {
    storeLine.setFate(() => fate);
    const from = edgeLine.seen.length;
    const node = await start(options());
    for (let n = 0; n < images; n += 1) await expectWhole(await built(stack.url, fresh()));
    expect(puts(edgeLine, from, '/farm/v1/objects/').length).toBeGreaterThan(0);
    expect(node.lines.filter((line) => line.includes('is not used'))).toHaveLength(1);
    expect(node.lines.join('\n')).not.toContain('another secret');
  });

  const playedNode = () => played(stack, `played-${++serial}`, 'trusted', fresh());
  const lyingBytes = (bytes: Buffer): Buffer =>
    Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]);

  test.each([
    ['small', 10_000],
    ['large', 65 * 1024 * 1024],
  ])(
    'a %s file of the right size and other bytes never counts, nor does an exchange afterwards',
    async (_, sizeBytes) => {
      const { client, leaseId } = await playedNode();
      const bytes = randomBytes(sizeBytes);
      const file = described('image.bin', bytes);
      const { directKey } = await client.requestUpload({ leaseId, file, canPutDirectly: true });
      expect(directKey).toMatch(new RegExp(`^incoming/[0-9a-f]{64}/${leaseId}/image.bin$`));
      const put = (given: Buffer) => s3Client(inject('s3')).putObject(BUCKET, directKey, given, given.length);
      const objects = () => storedNames(inject('s3'), BUCKET, `objects/${leaseId}/`);
      const isLarge = sizeBytes > 64 * 1024 * 1024;
      const complete = async (): Promise<boolean> => {
        if (!isLarge)
          return (await client.completeUploads({ leaseId, files: [file], direct: [file.name] })).lost.length === 0;
        const code = await codeOf(
          client.completeUpload({ leaseId, name: file.name, isDirect: true }, { timeoutMs: 100_000 }),
        );
        expect(['answered', Code.DataLoss]).toContain(code);
        return code === 'answered';
      };
      const lie = lyingBytes(bytes);

      expect(await complete(), 'nothing was put there').toBe(false);
      await put(lie);
      expect(await complete(), 'other bytes').toBe(false);
      expect(await objects()).toEqual([]);
      await put(bytes);
      // Exchanged while it is read: whichever of them was read, what counts are the promised bytes.
      const [isComplete] = await Promise.all([complete(), put(lie)]);
      if (!isComplete) {
        await put(bytes);
        expect(await complete()).toBe(true);
      }
      await put(lie);
      expect(await complete(), 'it is complete already').toBe(true);
      const hash = createHash('sha256');
      for await (const chunk of await s3Client(inject('s3')).getObject(BUCKET, `objects/${leaseId}/image.bin`))
        hash.update(chunk);
      expect(hash.digest('hex')).toBe(file.sha256);
      await s3Client(inject('s3')).removeObject(BUCKET, directKey);
    },
  );

  test('a file that has begun to come in parts goes on in parts', async () => {
    const { client, leaseId } = await playedNode();
    const file = { name: 'image.bin', sizeBytes: BigInt(65 * 1024 * 1024), sha256: 'ab'.repeat(32) };
    expect(await client.requestUpload({ leaseId, file })).toMatchObject({ directKey: '' });
    expect(await client.requestUpload({ leaseId, file, canPutDirectly: true })).toMatchObject({ directKey: '' });
  });

  test('a trusted node that names the lease of another changes nothing there', async () => {
    const [victim, liar] = [await playedNode(), await playedNode()];
    const [bytes, evil] = [randomBytes(1000), randomBytes(1000)];
    const file = described('image.bin', bytes);
    const { directKey } = await victim.client.requestUpload({ leaseId: victim.leaseId, file, canPutDirectly: true });
    await s3Client(inject('s3')).putObject(BUCKET, directKey, bytes, bytes.length);
    const completion = { leaseId: victim.leaseId, files: [file], direct: [file.name] };
    expect((await victim.client.completeUploads(completion)).lost).toEqual([]);
    const own = await liar.client.requestUpload({ leaseId: liar.leaseId, file, canPutDirectly: true });
    const [at, wrong] = [own.directKey.replace(liar.leaseId, victim.leaseId), described('image.bin', evil)];
    await s3Client(inject('s3')).putObject(BUCKET, at, evil, evil.length);
    for (const node of [liar, victim])
      expect(await codeOf(node.client.completeUploads({ ...completion, files: [wrong] }))).toBe(
        Code.FailedPrecondition,
      );
    expect(await codeOf(liar.client.completeUpload({ leaseId: victim.leaseId, name: file.name, isDirect: true }))).toBe(
      Code.FailedPrecondition,
    );
    const [stored] = await s3Client(inject('s3'))
      .getObject(BUCKET, `objects/${victim.leaseId}/image.bin`)
      .then((stream) => stream.toArray());
    expect(sha256(stored)).toBe(file.sha256);
    await s3Client(inject('s3')).removeObject(BUCKET, at);
  });
});

test('a volunteer that has keys of the store is not let', async () => {
  const bucket = `${BUCKET}-volunteers`;
  const TRUST_POLICY = JSON.stringify({ ...TWO_OF_TWO, canary_one_in: 0, rebuild_one_in: 0 });
  const stack = await StackUnderTest.start({
    s3: inject('s3'),
    // One of its own: the other belongs to the edge above.
    bucket,
    variables: { DIRECT_UPLOADS: '1', TRUST_POLICY },
  });
  try {
    const { client, leaseId, nodeId } = await played(stack, 'volunteer', 'volunteer', REQUEST);
    const bytes = randomBytes(1000);
    const file = described('image.bin', bytes);
    const { grants } = await client.requestUploads({ leaseId, files: [file], canPutDirectly: true });
    expect(grants).toMatchObject([{ directKey: '', complete: false }]);
    await s3Client(inject('s3')).putObject(bucket, `incoming/${nodeId}/${leaseId}/${file.name}`, bytes, bytes.length);
    expect((await client.completeUploads({ leaseId, files: [file], direct: [file.name] })).lost).toEqual([file.name]);
    expect(await codeOf(client.completeUpload({ leaseId, name: file.name, isDirect: true }))).toBe(Code.DataLoss);
    expect(await storedNames(inject('s3'), bucket, `objects/${leaseId}/`)).toEqual([]);
  } finally {
    await stack.close();
  }
});

test('without DIRECT_UPLOADS nobody is let', async () => {
  const stack = await StackUnderTest.start({ s3: inject('s3') });
  const line = await watchedLine(inject('s3').endpoint);
  try {
    await stack.startNode('keen', {
      environment: {
        ASU_NODE_S3_ENDPOINT: line.url,
        ASU_NODE_S3_ACCESS_KEY_ID: inject('s3').accessKeyId,
        ASU_NODE_S3_SECRET_ACCESS_KEY: inject('s3').secretAccessKey,
      },
    });
    expect((await built(stack.url, REQUEST)).status).toBe(200);
    expect(line.seen).toEqual([]);
  } finally {
    await line.close();
    await stack.close();
  }
});

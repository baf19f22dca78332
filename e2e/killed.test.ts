/** What happens when processes die at the worst moments. Every build must end in an image, published once, and whole. */
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { CompleteUploadsRequestSchema } from '../shared/gen/asu/farm/v1/foreman_pb.js';
import { storedNames } from './evidence/stored-names.ts';
import { type Exchange, type PausingProxy, pausingProxy } from './lines/pausing-proxy.ts';
import { type Answer, download, ended, poll, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

/** Waits until the image stage runs: the middle of a build. */
const isBuilding = (stack: StackUnderTest, hash: string): Promise<Answer> =>
  until('the build is in its middle', async () => {
    const answer = await poll(stack.url, hash);
    if (answer.status !== 202) throw new Error(`ended too early: ${JSON.stringify(answer.body)}`);
    return answer.body.imagebuilder_status === 'building_image' ? answer : undefined;
  });

/** A 200 with every image whole, and the record says the same at each look. */
async function expectPublished(stack: StackUnderTest, hash: string): Promise<void> {
  const done = await ended(stack.url, hash);
  expect(done.status, JSON.stringify(done.body)).toBe(200);
  for (const image of done.body.images)
    expect((await download(stack.url, done.body.bin_dir, image.name)).sha256).toBe(image.sha256);
  expect((await poll(stack.url, hash)).body.images).toEqual(done.body.images);
}

const builds = (node: NodeUnderTest, hash: string): number =>
  node.lines.filter((line) => line.startsWith(`building ${hash.slice(0, 12)}`)).length;

describe('killed in the middle of a build', () => {
  let stack: StackUnderTest;
  let node: NodeUnderTest;
  let serial = 0;
  /** A new build for each test: sizes are part of what is asked. */
  const begin = async (): Promise<string> => {
    serial += 1;
    const answer = await post(stack.url, { ...REQUEST, rootfs_size_mb: 100 + serial });
    expect(answer.status).toBe(202);
    return answer.body.request_hash;
  };

  beforeAll(async () => {
    stack = await StackUnderTest.start({ delaySeconds: 3 });
    node = await stack.startNode('one');
  });
  afterAll(() => stack?.close());

  test('the node comes back, says that it died, and the build ends in an image', async () => {
    const hash = await begin();
    await isBuilding(stack, hash);
    await node.kill();
    await node.restart();
    await expectPublished(stack, hash);
    expect(builds(node, hash)).toBe(2);
  });

  test('the edge comes back, and the node that went on building delivers', async () => {
    const hash = await begin();
    await isBuilding(stack, hash);
    await stack.killEdge();
    await stack.startEdge();
    await expectPublished(stack, hash);
    expect(builds(node, hash)).toBe(1);
  });

  test('edge and node both come back', async () => {
    const hash = await begin();
    await isBuilding(stack, hash);
    await Promise.all([stack.killEdge(), node.kill()]);
    await stack.startEdge();
    await node.restart();
    await expectPublished(stack, hash);
  });

  test('an image built before the edge died is still there afterwards', async () => {
    const hash = await begin();
    await expectPublished(stack, hash);
    await stack.killEdge();
    await stack.startEdge();
    await expectPublished(stack, hash);
    expect(builds(node, hash)).toBe(1);
  });

  test('the node never comes back, and another one finishes', async () => {
    const hash = await begin();
    await isBuilding(stack, hash);
    await node.kill();
    const second = await stack.startNode('two');
    await expectPublished(stack, hash);
    expect(builds(second, hash)).toBe(1);
  });
});

describe('killed between two steps that belong together', () => {
  let stack: StackUnderTest;
  let s3Way: PausingProxy;
  const bucket = 'asu-killed';
  const opened: PausingProxy[] = [];

  beforeAll(async () => {
    s3Way = await pausingProxy(inject('s3').endpoint);
    stack = await StackUnderTest.start({ s3: inject('s3'), s3Url: s3Way.url, bucket });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((proxy) => proxy.close()));
  });
  afterAll(async () => {
    await stack?.close();
    await s3Way?.close();
  });

  /** How many records and which objects the store holds of one build. */
  const storedRecords = async (hash: string): Promise<string[]> =>
    (await storedNames(inject('s3'), bucket, 'builds/')).filter((name) => name.includes(hash));

  /** The last word comes along with the last files. */
  const isLastWord = ({ path, requestBody }: Exchange): boolean =>
    path.endsWith('/CompleteUploads') &&
    fromBinary(CompleteUploadsRequestSchema, requestBody).report?.reports.some(
      ({ event }) => event.case === 'succeeded',
    ) === true;

  test('before its last word was heard: the node says it after its restart, without building again', async () => {
    const nodeWay = await pausingProxy(stack.url);
    opened.push(nodeWay);
    nodeWay.setHold((exchange) => (isLastWord(exchange) ? 'request' : undefined));
    const node = await stack.startNode('late', { edgeUrl: nodeWay.url });
    const { body } = await post(stack.url, { ...REQUEST, rootfs_size_mb: 201 });
    await until('the last word is on its way', () => nodeWay.held().length > 0);
    await node.kill();
    expect((await poll(stack.url, body.request_hash)).status).toBe(202);
    nodeWay.setHold(() => undefined);
    await node.restart();
    await expectPublished(stack, body.request_hash);
    expect(builds(node, body.request_hash)).toBe(1);
    expect(await storedRecords(body.request_hash)).toHaveLength(1);
    await node.kill();
  });

  test('before its last word was heard, for good: another node builds it, and what was uploaded is never served half', async () => {
    const nodeWay = await pausingProxy(stack.url);
    opened.push(nodeWay);
    nodeWay.setHold((exchange) => (isLastWord(exchange) ? 'request' : undefined));
    const lost = await stack.startNode('lost', { edgeUrl: nodeWay.url });
    const { body } = await post(stack.url, { ...REQUEST, rootfs_size_mb: 202 });
    await until('the result is on its way', () => nodeWay.held().length > 0);
    await lost.kill();
    const heir = await stack.startNode('heir');
    await expectPublished(stack, body.request_hash);
    expect(builds(heir, body.request_hash)).toBe(1);
    expect(await storedRecords(body.request_hash)).toHaveLength(1);
    await heir.stop();
  });

  test('between the record and done: the edge publishes it once more, and once only', async () => {
    const node = await stack.startNode('steady');
    s3Way.setHold(({ method, path }) => (method === 'PUT' && path.includes('/builds/') ? 'answer' : undefined));
    const { body } = await post(stack.url, { ...REQUEST, rootfs_size_mb: 203 });
    await until('the record is written', () => s3Way.held().length > 0);
    await stack.killEdge();
    expect(await storedRecords(body.request_hash)).toHaveLength(1);
    s3Way.setHold(() => undefined);
    await stack.startEdge();
    await expectPublished(stack, body.request_hash);
    expect(builds(node, body.request_hash)).toBe(1);
    expect(await storedRecords(body.request_hash)).toHaveLength(1);
    const again = await post(stack.url, { ...REQUEST, rootfs_size_mb: 203 });
    expect([again.status, again.body.request_hash]).toEqual([200, body.request_hash]);
  });
});

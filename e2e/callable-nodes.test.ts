/**
 * A node that is called and one that asks, each a real process that builds for a real edge: the same builds come to the same ends.
 * Between the edge and the node that is called is a proxy that sees every call, and can lose one.
 */
import path from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../farm/stack/free-port.ts';
import { BuildOrderSchema } from '../shared/gen/asu/farm/v1/build_pb.js';
import { NodeService, StartBuildRequestSchema } from '../shared/gen/asu/farm/v1/node_pb.js';
import { type Exchange, type Hold, type PausingProxy, pausingProxy } from './lines/pausing-proxy.ts';
import { download, ended, poll, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

const ASU = path.resolve(import.meta.dirname, '../farm/cli/main.ts');
const ADMIN_KEY = 'ad'.repeat(32);
const START_BUILD = `/${NodeService.typeName}/StartBuild`;

let stack: StackUnderTest;
let proxy: PausingProxy;
let nodeUrl: string;
const nodes = {} as Record<'leased' | 'callable', NodeUnderTest>;
/** What the edge called at the node. */
const calls: Exchange[] = [];
let sizes = 400;

beforeAll(async () => {
  // No lease ends by its time here, however slow the machine is.
  stack = await StackUnderTest.start({ delaySeconds: 3, variables: { ADMIN_KEY, LEASE_SECONDS: '60' } });
  const port = await freePort();
  nodeUrl = `http://127.0.0.1:${port}`;
  nodes.callable = await stack.startNode('callable', { listen: `127.0.0.1:${port}` });
  nodes.leased = await stack.startNode('leased');
  proxy = await pausingProxy(nodeUrl);
  through(() => undefined);
});
afterAll(async () => {
  await stack?.close();
  await proxy?.close();
});

/** As the edge's operator types it. */
async function asu(...words: string[]): Promise<string> {
  const { stdout } = await execa(process.execPath, [ASU, ...words, '--edge', stack.url], {
    env: { ASU_ADMIN_KEY: ADMIN_KEY },
  });
  return stdout.trim();
}

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly [member: string]: unknown;
}
const listed = async (name: string): Promise<Listed> => {
  const node = (JSON.parse(await asu('nodes', '--json')) as Listed[]).find((one) => one.name === name);
  if (!node) throw new Error(`expected ${name} to be listed`);
  return node;
};

function through(hold: (exchange: Exchange) => Hold): void {
  proxy.setHold((exchange) => {
    calls.push(exchange);
    return hold(exchange);
  });
}

async function begin(): Promise<string> {
  const { status, body } = await post(stack.url, { ...REQUEST, rootfs_size_mb: ++sizes });
  expect(status, JSON.stringify(body)).toBe(202);
  return body.request_hash;
}

const untilBuilding = (hash: string) =>
  until('it is in its middle', async () => {
    const answer = await poll(stack.url, hash);
    if (answer.status !== 202) throw new Error(`ended too early: ${JSON.stringify(answer.body)}`);
    return answer.body.imagebuilder_status === 'building_image';
  });

async function expectPublished(hash: string): Promise<void> {
  const { status, body } = await ended(stack.url, hash);
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body.images.length).toBeGreaterThan(0);
  for (const image of body.images)
    expect((await download(stack.url, body.bin_dir, image.name)).sha256).toBe(image.sha256);
}

const builds = (kind: keyof typeof nodes, hash: string): number =>
  nodes[kind].lines.filter((line) => line.startsWith(`building ${hash.slice(0, 12)}`)).length;

/** Orders that were brought for this build. */
const brought = (hash: string) =>
  calls.filter(({ path: called, requestBody }) => called === START_BUILD && orderIn(requestBody).requestHash === hash);
const orderIn = (body: Buffer) =>
  fromBinary(BuildOrderSchema, fromBinary(StartBuildRequestSchema, body).order?.order ?? new Uint8Array());

/** Only this one gets builds. */
async function alone(kind: keyof typeof nodes): Promise<void> {
  for (const name of Object.keys(nodes)) {
    const { id } = await listed(name);
    await asu('nodes', name === kind ? 'undrain' : 'drain', id);
  }
}

test('an operator adds the node by its address, and sees where it is called', async () => {
  expect(await asu('nodes', 'add', proxy.url)).toMatch(/^[0-9a-f]{12} callable is called at http:/);
  expect(calls.map(({ path: called }) => called)).toEqual([`/${NodeService.typeName}/GetNode`]);
  expect(await asu('nodes')).toContain(proxy.url);
  expect(JSON.stringify(await (await fetch(`${stack.url}/api/v1/nodes`)).json())).not.toContain(proxy.url);
});

describe.each(['leased', 'callable'] as const)('%s', (kind) => {
  beforeAll(() => alone(kind));

  test('an order comes, is built, uploaded and published', async () => {
    const before = Number((await listed(kind)).right);
    const hash = await begin();
    await expectPublished(hash);
    expect([builds(kind, hash), brought(hash).length]).toEqual([1, kind === 'callable' ? 1 : 0]);
    expect(await listed(kind)).toMatchObject({ right: before + 1, lost: 0, call_fault: '' });
  });

  test('a build that an operator stops ends on the node as well, and its slot is free', async () => {
    const hash = await begin();
    await untilBuilding(hash);
    await asu('builds', 'cancel', hash);
    await until('the node has stopped', async () => (await listed(kind)).running === 0);
    const next = await begin();
    await expectPublished(next);
    expect([builds(kind, hash), builds(kind, next)]).toEqual([1, 1]);
  });

  test('the node stops in the middle: it hands the build back, and the other one makes it', async () => {
    const hash = await begin();
    await untilBuilding(hash);
    await nodes[kind].stop();
    const other = kind === 'leased' ? 'callable' : 'leased';
    await asu('nodes', 'undrain', (await listed(other)).id);
    await expectPublished(hash);
    const before = nodes[kind].lines.length;
    await nodes[kind].restart();
    await until('it is ready again', () => nodes[kind].lines.slice(before).some((line) => line.startsWith('ready')));
    expect([builds(kind, hash), builds(other, hash)]).toEqual([1, 1]);
    expect(await listed(kind), nodes[kind].lines.join('\n')).toMatchObject({ lost: 0 });
  });
});

describe('an order that is brought', () => {
  beforeAll(() => alone('callable'));

  test('and whose answer is lost is built once, by the node that has it', async () => {
    through(({ path: called }) => (called === START_BUILD ? 'answer' : undefined));
    const hash = await begin();
    await expectPublished(hash);
    expect([brought(hash).length, builds('callable', hash)]).toEqual([1, 1]);
    expect(await listed('callable')).toMatchObject({ lost: 0, call_fault: '' });
  });

  test('a second time, by whoever has seen it, is the same build; changed, it is refused', async () => {
    through(() => undefined);
    const hash = await begin();
    const { requestBody } = await until('it is brought', () => brought(hash)[0]);
    const bring = (body: Buffer) =>
      fetch(nodeUrl + START_BUILD, {
        method: 'POST',
        headers: { 'content-type': 'application/proto' },
        body: new Uint8Array(body),
      });
    expect((await bring(requestBody)).status).toBe(200);
    const forged = Buffer.from(requestBody);
    forged[forged.indexOf(hash)] = 'x'.charCodeAt(0);
    const refused = await bring(forged);
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: 'permission_denied' }]);
    await expectPublished(hash);
    expect(builds('callable', hash)).toBe(1);
  });

  test('and never arrives: the node asks for it, and the operator reads why', async () => {
    through(({ path: called }) => (called === START_BUILD ? 'request' : undefined));
    const hash = await begin();
    await expectPublished(hash);
    expect([brought(hash).length, builds('callable', hash)]).toEqual([1, 1]);
    expect(await listed('callable')).toMatchObject({ lost: 0, call_fault: 'no answer within 5 s' });
    // It is left alone for a while, and builds all the same.
    const next = await begin();
    await expectPublished(next);
    expect(builds('callable', next)).toBe(1);
  });

  test('no more, once its address was removed', async () => {
    through(() => undefined);
    await asu('nodes', 'add', proxy.url);
    await asu('nodes', 'remove-address', (await listed('callable')).id);
    const hash = await begin();
    await expectPublished(hash);
    expect([brought(hash).length, builds('callable', hash)]).toEqual([0, 1]);
  });
});

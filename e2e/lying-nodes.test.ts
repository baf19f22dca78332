/**
 * Volunteers that lie, each in its way: real nodes, of which some tell what e2e/lies/lies.ts has. Whatever they say, the image
 * that the client gets is the one that an honest machine makes; who lied is found out and believed no more; and the work of the
 * others goes on.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LieName, TAMPER_MARK } from './lies/lies.ts';
import { recordingProxy } from './lines/recording-proxy.ts';
import { ADMIN_KEY, type FarmOperator, farmOperator, type ListedNode, TWO_OF_TWO } from './players/farm-operator.ts';
import { type Answer, built, download, ended, poll, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

/** Each lie is found by what it is told about here; canaries have a test of their own. */
const TRUST_POLICY = { ...TWO_OF_TWO, canary_one_in: 0, rebuild_one_in: 0 };

/** Some tries of the Foreman's alarm. */
const TAKEN_BACK_MS = 4_000;

let stack: StackUnderTest;
let operator: FarmOperator;
let sizes = 300;
/** Something that nobody asked for before. */
const wish = () => ({ ...REQUEST, rootfs_size_mb: ++sizes });

beforeAll(async () => {
  stack = await StackUnderTest.start({
    variables: { ADMIN_KEY, LEASE_SECONDS: '8', TRUST_POLICY: JSON.stringify(TRUST_POLICY) },
  });
  operator = farmOperator(stack.url);
  await stack.startNode('trusted');
  for (const name of ['honest-1', 'honest-2']) await stack.startNode(name, { tier: 'volunteer' });
});
afterAll(() => stack?.close());

const HONEST = ['trusted', 'honest-1', 'honest-2'] as const;
type Honest = (typeof HONEST)[number];

/** These alone get work, and the liars of this test. */
async function working(...names: readonly Honest[]): Promise<void> {
  for (const name of HONEST) await operator.act(name, names.includes(name) ? 'undrain' : 'drain');
}

const listed = async (name: string): Promise<ListedNode | undefined> =>
  (await operator.nodes()).find((node) => node.name === name);

const quarantined = (name: string): Promise<ListedNode> =>
  until(`${name} is quarantined`, async () => {
    const node = await listed(name);
    return node?.state === 'quarantined' && node;
  });

const hasSaid = (node: NodeUnderTest, word: RegExp, times = 1): Promise<boolean> =>
  until(`the node says ${word}`, () => node.lines.filter((line) => word.test(line)).length >= times);

/** Every byte of what is served. */
async function expectRight({ status, body }: Answer): Promise<void> {
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body.images.length).toBeGreaterThan(0);
  for (const { name, sha256 } of body.images) {
    const served = await download(stack.url, body.bin_dir, name);
    expect(served.sha256).toBe(sha256);
    expect(served.bytes.includes(TAMPER_MARK)).toBe(false);
  }
}

/** A liar that is alone is given the build, tells its lie, and then the others come. */
async function afterALie(name: string, lie: LieName): Promise<{ hash: string; liar: NodeUnderTest; seen: Answer[] }> {
  await working();
  const liar = await stack.startNode(name, { tier: 'volunteer', lie });
  const { body } = await post(stack.url, wish());
  await hasSaid(liar, /^(?:built|failed) /);
  const seen = [await poll(stack.url, body.request_hash)];
  return { hash: body.request_hash, liar, seen };
}

const LIES: readonly LieName[] = [
  'another image',
  'a wrong digest',
  'a digest that was never uploaded',
  'a false failure',
  'a late word',
];

describe.each(LIES)('%s', (lie) => {
  const name = `liar-${LIES.indexOf(lie)}`;

  test('is not served, and costs the liar its name; honest work goes on', async () => {
    const { hash, liar, seen } = await afterALie(name, lie);
    await working(...HONEST);
    await expectRight(await ended(stack.url, hash, seen));
    for (const { status, body } of seen.slice(0, -1)) expect([status, body.images ?? 'none']).toEqual([202, 'none']);
    await quarantined(name);
    await liar.kill();
    await expectRight(await built(stack.url, wish()));
  });
});

test('two nodes of one operator that agree are one voice', async () => {
  await working();
  const liars: NodeUnderTest[] = [];
  for (const name of ['twin-1', 'twin-2'])
    liars.push(await stack.startNode(name, { tier: 'volunteer', operator: 'twins', lie: 'another image' }));
  const { body } = await post(stack.url, wish());
  await until('one of them has built it', () => liars.some((one) => one.lines.some((line) => /^built /.test(line))));
  await working(...HONEST);
  const seen: Answer[] = [];
  await expectRight(await ended(stack.url, body.request_hash, seen));
  await until('who said it is quarantined', async () =>
    (await operator.nodes()).some(({ name, state }) => name.startsWith('twin-') && state === 'quarantined'),
  );
  for (const liar of liars) await liar.kill();
});

test('where honest volunteers disagree with a liar, a trusted node decides, and none of the honest is blamed', async () => {
  const { hash, liar } = await afterALie('alone', 'another image');
  await working('honest-1', 'honest-2');
  await until('an honest volunteer contradicts', async () => (await poll(stack.url, hash)).body.detail !== 'queued');
  await working(...HONEST);
  await expectRight(await ended(stack.url, hash));
  await quarantined('alone');
  for (const name of HONEST) expect(await listed(name)).toMatchObject({ state: 'active', wrong: 0 });
  await liar.kill();
});

test("another's lease: a word about a build that somebody else was given changes nothing and betrays who says it", async () => {
  await working();
  const file = path.join(stack.directory, 'leases-of-others');
  await writeFile(file, '');
  const liar = await stack.startNode('meddler', { tier: 'volunteer', lie: "another's lease", lieAbout: file });
  await operator.act('meddler', 'drain');
  await working('trusted');
  const { body } = await post(stack.url, wish());
  const leaseId = await until('the honest node has a lease', () => leasesOf('trusted').at(-1));
  await writeFile(file, leaseId);
  // Its own build is what it lies beside.
  await operator.act('trusted', 'drain');
  await operator.act('meddler', 'undrain');
  const own = await post(stack.url, wish());
  await quarantined('meddler');
  await working(...HONEST);
  for (const hash of [body.request_hash, own.body.request_hash]) await expectRight(await ended(stack.url, hash));
  await liar.kill();
});

test('replayed: all that an honest node said, said again by somebody on the line, changes nothing', async () => {
  await working();
  const line = await recordingProxy(stack.url);
  const node = await stack.startNode('overheard', { edgeUrl: line.url });
  const first = await built(stack.url, wish());
  await expectRight(first);
  const before = await operator.nodes();
  await node.stop();
  const statuses = await line.replay(/\/(?:Report|CompleteUploads|Lease)$|\/farm\/v1\/objects\//);
  expect(statuses.length).toBeGreaterThan(2);
  const again = await poll(stack.url, first.body.request_hash);
  expect(again.body).toEqual(first.body);
  const counts = ({ name, right, wrong, lost }: ListedNode) => ({ name, right, wrong, lost });
  expect((await operator.nodes()).map(counts)).toEqual(before.map(counts));
  await line.close();
});

test('revoked: an image that stood on that node alone is taken back, and made again by others', async () => {
  await working();
  const turncoat = await stack.startNode('turncoat', { lie: 'another image' });
  const asked = wish();
  // A trusted node is believed. That is what it means, and why it can be taken back.
  const first = await built(stack.url, asked);
  expect(first.status).toBe(200);
  expect(await operator.act('turncoat', 'revoke')).toBe(true);
  // An isolate remembers what it answered for some minutes more, also what it read from KV before that was taken back there.
  await until('who has nothing to remember answers it no more', async () => {
    await stack.killEdge();
    await stack.startEdge();
    await working(...HONEST);
    await sleep(TAKEN_BACK_MS);
    return (await poll(stack.url, first.body.request_hash)).status !== 200;
  });
  const second = await until('the others made it again', async () => {
    const answer = await built(stack.url, asked);
    return answer.status === 200 && answer;
  });
  await expectRight(second);
  await turncoat.kill();
});

/** From the node's own disk, the last one at the end. */
function leasesOf(name: string): string[] {
  const db = new DatabaseSync(path.join(stack.nodeDirectory(name), 'node.sqlite'), { readOnly: true });
  try {
    return db
      .prepare('SELECT id FROM leases ORDER BY taken_at')
      .all()
      .map(({ id }) => String(id));
  } finally {
    db.close();
  }
}

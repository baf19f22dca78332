/**
 * A volunteer that lies now and then, as a real node: it is honest when it joins, so everything that it makes is believed as far as a
 * volunteer is. What finds it is an order for something that a trusted node has made before.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TAMPER_MARK } from './lies/lies.ts';
import { ADMIN_KEY, type FarmOperator, farmOperator, type ListedNode } from './players/farm-operator.ts';
import { built, download, ended, post, REQUEST } from './players/router.ts';
import { StackUnderTest, until } from './stack-under-test.ts';

/** Each order of a volunteer is a canary, as long as there is one that is new to it. */
const TRUST_POLICY = { reproducible: ['* *'], canary_one_in: 1 };

let stack: StackUnderTest;
let operator: FarmOperator;
let sizes = 400;
const wish = () => ({ ...REQUEST, rootfs_size_mb: ++sizes });
const listed = async (name: string): Promise<ListedNode | undefined> =>
  (await operator.nodes()).find((node) => node.name === name);

beforeAll(async () => {
  stack = await StackUnderTest.start({ variables: { ADMIN_KEY, TRUST_POLICY: JSON.stringify(TRUST_POLICY) } });
  operator = farmOperator(stack.url);
  await stack.startNode('trusted');
});
afterAll(() => stack?.close());

test('a node that lies now and then is found by a canary, and nothing that it made is served', async () => {
  for (let images = 0; images < 2; images += 1) expect((await built(stack.url, wish())).status).toBe(200);
  // One at a time, or it is chance whether its second one, which is the lie, is the canary or what somebody waits for.
  const liar = await stack.startNode('liar', { tier: 'volunteer', lie: 'now and then', slots: 1 });
  const honest = await stack.startNode('honest', { tier: 'volunteer' });
  // Nobody asks for anything: it is what they are given when they join.
  for (const name of ['liar', 'honest']) await until(`${name} is known`, async () => (await listed(name))?.right === 1);
  await operator.act('honest', 'drain');
  await operator.act('trusted', 'drain');
  const { body } = await post(stack.url, wish());
  await until('the liar has built twice', () => liar.lines.filter((line) => /^built /.test(line)).length >= 2);
  await operator.act('trusted', 'undrain');
  await until('the liar is quarantined', async () => (await listed('liar'))?.state === 'quarantined');
  const answer = await ended(stack.url, body.request_hash);
  expect(answer.status).toBe(200);
  for (const { name } of answer.body.images)
    expect((await download(stack.url, answer.body.bin_dir, name)).bytes.includes(TAMPER_MARK)).toBe(false);
  expect(await listed('liar')).toMatchObject({ wrong: 1 });
  for (const name of ['trusted', 'honest']) expect(await listed(name)).toMatchObject({ wrong: 0, lost: 0 });
  await liar.kill();
  await honest.kill();
});

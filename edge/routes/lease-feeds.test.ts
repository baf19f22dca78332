/** What a node says of foreign feeds when it asks for work: judged here, since the Foreman compares it with each build. */
import { beforeAll, expect, test } from 'vitest';
import { FARM_PROTOCOL } from '../../shared/node/farm-protocol.ts';
import { MAX_FEED_PREFIXES } from '../../shared/trust/foreign-feeds.ts';
import { foremanStub, openUpstream, rowsOf } from '../edge.fixture.ts';
import { call, type FarmNode, joinNode } from '../nodes/farm-node.fixture.ts';

const GOOD = 'https://feeds.example/24.10';
let node: FarmNode;

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1, { tier: 'volunteer' });
});

const asks = (prefixes?: readonly string[]) =>
  call(node, 'lease', {
    idempotencyKey: crypto.randomUUID(),
    waitSeconds: 0,
    protocol: FARM_PROTOCOL,
    ...(prefixes && { feeds: { prefixes: [...prefixes] } }),
  });

const known = async () => (await rowsOf(foremanStub(), 'nodes')).find(({ id }) => id === node.id)?.feeds;

test.each<[readonly string[] | undefined, string | null]>([
  [[GOOD], JSON.stringify([GOOD])],
  [[], '[]'],
  // As nodes say it that know no such setting, also after one that did.
  [undefined, null],
])('%j is kept, for as long as it says so', async (prefixes, row) => {
  expect((await asks(prefixes)).status).toBe(200);
  expect(await known()).toBe(row);
});

test.each<[string, readonly string[]]>([
  ['no URL', ['feeds.example']],
  ['a URL with a secret', ['https://user:secret@feeds.example/']],
  ['dots that climb', [`${GOOD}/../..`]],
  ['another scheme', ['file:///etc']],
  ['one wrong among good ones', [GOOD, '*']],
  ['too many', Array.from({ length: MAX_FEED_PREFIXES + 1 }, () => GOOD)],
  ['too long a one', [`${GOOD}/${'x'.repeat(512)}`]],
])('%s is refused by the name of the field, and changes nothing', async (_, prefixes) => {
  await asks([GOOD]);
  expect(await asks(prefixes)).toMatchObject({
    status: 400,
    code: 'invalid_argument',
    error: expect.stringMatching(/^feeds\.prefixes: expected /),
  });
  expect(await known()).toBe(JSON.stringify([GOOD]));
});

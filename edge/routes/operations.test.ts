/**
 * What each route costs in operations of the platform, as docs/costs.md has it: the table there is tested to be made of these.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import costs from '../../docs/costs.md?raw';
import { app } from '../app.ts';
import { ask as edge, env, foremanStats, GOOD_REQUEST, jsonOf, openUpstream } from '../edge.fixture.ts';
import { built as build, type FarmNode, joinNode } from '../nodes/farm-node.fixture.ts';
import { type CountedEnv, countedEnv, type Operations } from '../operations.fixture.ts';

let node: FarmNode;
let hash: string;
let imagePath: string;
let isolate: CountedEnv;

const REQUEST = { ...GOOD_REQUEST, packages: ['curl'] };
const CHECK = {
  distro: 'OpenWrt',
  version: '24.10.1',
  target: 'x86/64',
  revision: 'r28400-0000000000',
  installed: { 'base-files': '1', dnsmasq: '2.90' },
};

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
  hash = await build(node, REQUEST);
  const { bin_dir, images } = await jsonOf(await edge(`/api/v1/build/${hash}`));
  imagePath = `/store/${bin_dir}/${(images as { name: string }[])[0]?.name}`;
});
/** An isolate that just woke: it has nothing in its memory. */
beforeEach(() => {
  isolate = countedEnv(env);
});

async function ask(
  path: string,
  init?: RequestInit,
): Promise<{ readonly response: Response; readonly cost: Operations }> {
  isolate.take();
  const context = createExecutionContext();
  const response = await app.fetch(new Request(`https://asu.example${path}`, init), isolate.env, context);
  const body = await response.arrayBuffer();
  await waitOnExecutionContext(context);
  return { response: new Response(body.byteLength > 0 ? body : null, response), cost: isolate.take() };
}
const post = (path: string, body: unknown) => ask(path, { method: 'POST', body: JSON.stringify(body) });

/** Rows of the document's table, without its head. */
const documented = (costs.split('\n## ')[1] ?? '').match(/^\| .+ \|$/gm)?.slice(1) ?? [];

const COLUMNS = ['kv.get', 'store.get', 'foreman', 'catalogue'] as const;

/** What is asked for, where the test asks for nothing that nobody built. */
const ASKED: readonly (readonly [string, () => ReturnType<typeof ask>])[] = [
  ['overview', () => ask('/api/v1/overview')],
  ['revision of a target', () => ask('/api/v1/revision/24.10.2/x86/64')],
  ['upgrade check', () => post('/api/upgrade-check', CHECK)],
  ['build that was made before', () => post('/api/v1/build', REQUEST)],
  ['poll of it', () => ask(`/api/v1/build/${hash}`)],
  ['its image', () => ask(imagePath)],
  ['its image, HEAD', () => ask(imagePath, { method: 'HEAD' })],
];

describe('what is answered without a build', () => {
  test.each(ASKED)(
    '%s costs what docs/costs.md says, in an isolate that just woke and in one at work',
    async (what, doIt) => {
      const costsOf: Operations[] = [];
      for (const _ of ['just woke', 'at work']) {
        const { response, cost } = await doIt();
        expect(response.status).toBe(200);
        expect(Object.keys(cost).filter((name) => !(COLUMNS as readonly string[]).includes(name))).toEqual([]);
        costsOf.push(cost);
      }
      const cells = COLUMNS.map((name) => costsOf.map((cost) => cost[name] ?? 0).join(', then '));
      expect(documented).toContain(`| ${[what, ...cells].join(' | ')} |`);
    },
  );

  test('the document has no other rows', () => expect(documented).toHaveLength(ASKED.length));
});

describe('a build, from the first question to the image', () => {
  const keysOfKv = async () => (await env.CACHE.list()).keys.map(({ name }) => name);
  const keysOfStore = async () => ((await env.IMAGES?.list())?.objects ?? []).map(({ key }) => key);

  test('calls the Foreman and leaves behind what docs/costs.md says', async () => {
    const { calls: before } = await foremanStats();
    const [kv, store] = [await keysOfKv(), await keysOfStore()];
    // As long as a build is under way, each second isolate that is asked asks as well; here nobody does.
    await build(node, { ...GOOD_REQUEST, packages: ['kmod-e1000'] });
    // The log is written behind the answer.
    const written = await vi.waitFor(
      async () => {
        const keys = (await keysOfStore()).filter((key) => !store.includes(key));
        expect(keys.filter((key) => key.startsWith('log/of/'))).toHaveLength(1);
        return keys;
      },
      { timeout: 30_000 },
    );
    const { calls } = await foremanStats();
    const called = Object.entries(calls).reduce((sum, [name, n]) => sum + n - (before[name] ?? 0), 0);
    const copies = (await keysOfKv()).filter((key) => !kv.includes(key));
    expect(costs).toContain(
      `${called} calls to the Foreman, ${copies.length} writes to KV and ${written.length} new objects`,
    );
  });
});

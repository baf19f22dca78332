/** Those who look on while an image is built, over real sockets that break, with nodes that die. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pausingProxy } from './lines/pausing-proxy.ts';
import { BuildListener } from './players/build-listener.ts';
import { download, poll, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

let stack: StackUnderTest;
let node: NodeUnderTest;
let serial = 0;

/** A new build for each test: sizes are part of what is asked. */
async function begin(more: object = {}): Promise<string> {
  serial += 1;
  const { status, body } = await post(stack.url, { ...REQUEST, ...more, rootfs_size_mb: 300 + serial });
  expect([status, body.detail]).toEqual([202, 'queued']);
  return body.request_hash;
}

const stateOf = (data: string): string => JSON.parse(data).imagebuilder_status;
const heardState = (listener: BuildListener, word: string): boolean =>
  listener.heard.some(({ event, data }) => event === 'state' && stateOf(data) === word);

beforeAll(async () => {
  stack = await StackUnderTest.start({ delaySeconds: 4, variables: { ALLOW_DEFAULTS: '1' } });
});
afterAll(() => stack?.close());

// First, while there is no node: nothing happens to the build that would have to be told.
test('a client that is gone costs nothing any more', async () => {
  const hash = await begin();
  const listener = new BuildListener(stack.url, hash);
  await listener.connect();
  const looks = async () => (await stack.foremanCalls()).status ?? 0;
  const first = await looks();
  await until('the stream asks', async () => (await looks()) > first + 1);
  await listener.cut();
  // Seen at the second heartbeat at the latest: only what is written tells that nobody is there.
  await until('nobody asks for it any more', async () => {
    const before = await looks();
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    return (await looks()) === before;
  });
});

describe('while an image is built', () => {
  beforeAll(async () => {
    node = await stack.startNode('one');
  });

  test('a build is followed from the queue to the image, line by line, and then it is over', async () => {
    const hash = await begin();
    const listener = new BuildListener(stack.url, hash);
    expect(await listener.connect()).toBe(200);
    await until('a line comes while the image is built', () => listener.lines.includes('Building images...'));
    expect((await poll(stack.url, hash)).status).toBe(202);
    await listener.toTheEnd();
    expect(heardState(listener, 'building_image')).toBe(true);
    expect(listener.last).toMatchObject({ event: 'done', id: 'end' });
    const done = JSON.parse(listener.last?.data ?? '');
    expect(done).toEqual((await poll(stack.url, hash)).body);
    const [image] = done.images;
    expect((await download(stack.url, done.bin_dir, image.name)).sha256).toBe(image.sha256);
    expect(listener.lines).toEqual(expect.arrayContaining(['Installing packages...', 'Calculating checksums...']));
    expect(listener.lines.join('\n')).not.toContain(stack.directory);
    // Who knows the end is told not to come again.
    expect(await listener.connect()).toBe(204);
  });

  test('a client that is cut off in the middle, again and again, hears every line once', async () => {
    const hash = await begin();
    const [steady, broken] = [new BuildListener(stack.url, hash), new BuildListener(stack.url, hash)];
    await Promise.all([steady.connect(), broken.connect()]);
    let cuts = 0;
    while (broken.last?.id !== 'end') {
      const before = broken.heard.length;
      await until('more is told, or it is over', () => broken.heard.length > before || broken.last?.id === 'end');
      if (broken.last?.id === 'end') break;
      await broken.cut();
      cuts += 1;
      expect(await broken.connect()).toBe(200);
    }
    await steady.toTheEnd();
    // How many depends on how much a loaded machine tells at once; one is certain, since the build pauses in its middle.
    expect(cuts).toBeGreaterThan(0);
    expect(steady.lines.length).toBeGreaterThan(10);
    expect(broken.lines).toEqual(steady.lines);
    const late = new BuildListener(stack.url, hash);
    await late.connect();
    await late.toTheEnd();
    expect([late.lines, late.last]).toEqual([steady.lines, steady.last]);
  });

  test('a node that dies in the middle: the listener is told that it begins again, and hears one whole log', async () => {
    const hash = await begin();
    const listener = new BuildListener(stack.url, hash);
    await listener.connect();
    await until('the build is in its middle', () => listener.lines.includes('Building images...'));
    await node.kill();
    await node.restart();
    expect((await listener.toTheEnd())?.event).toBe('done');
    // More than once, where the build was given to the dead node's last call, which still waited at the edge.
    expect(listener.events).toContain('restart');
    const again = listener.heard.slice(listener.events.lastIndexOf('restart'));
    const lines = again.filter(({ event }) => event === 'log').flatMap(({ data }) => data.split('\n'));
    expect(lines.filter((line) => line === 'Building images...')).toHaveLength(1);
    expect(lines).toContain('Calculating checksums...');
  });

  test('a build with a first-boot script tells its states, and not a line of what it prints', async () => {
    const hash = await begin({ defaults: 'echo hunter2-of-the-first-boot\n' });
    const listener = new BuildListener(stack.url, hash);
    await listener.connect();
    await listener.toTheEnd();
    expect(new Set(listener.events)).toEqual(new Set(['state', 'done']));
    expect(heardState(listener, 'building_image')).toBe(true);
    expect(JSON.stringify(listener.heard)).not.toContain('hunter2');
    expect(node.lines.join('\n')).not.toContain('is not told');
  });

  test('an edge that takes no log gets the image all the same', async () => {
    await node.stop();
    const way = await pausingProxy(stack.url);
    way.setHold(({ path }) => (path.startsWith('/farm/v1/logs/') ? 'request' : undefined));
    const silent = await stack.startNode('silent', { edgeUrl: way.url });
    const hash = await begin();
    const listener = new BuildListener(stack.url, hash);
    await listener.connect();
    expect((await listener.toTheEnd())?.event).toBe('done');
    expect(listener.lines).toEqual([]);
    expect(way.held().length).toBeGreaterThan(0);
    const told = silent.lines.filter((line) => line.includes('is not told: the edge did not take it in time'));
    expect(told).toHaveLength(1);
    await silent.stop();
    await way.close();
  });
});

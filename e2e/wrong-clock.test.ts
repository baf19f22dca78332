/** Nodes whose clock is a day off: they join, build and are told of it, whether it was so at their start or came later. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { built, REQUEST } from './players/router.ts';
import { StackUnderTest, until } from './stack-under-test.ts';

const DAY_MS = 24 * 3_600_000;

let stack: StackUnderTest;
beforeAll(async () => {
  stack = await StackUnderTest.start();
});
afterAll(() => stack?.close());

test.each([
  ['ahead of', DAY_MS, 501],
  ['behind', -DAY_MS, 502],
])(
  'a node whose clock is a day %s the edge’s joins, builds, comes back, and names the clock',
  async (way, clockAheadMs, size) => {
    const node = await stack.startNode(`clock-${size}`, { clockAheadMs });
    const sentence = (line: string) => line.includes(`the clock of this machine is 24 h ${way} the edge's: set it`);
    const done = await built(stack.url, { ...REQUEST, rootfs_size_mb: size });
    expect(done.status, JSON.stringify(done.body)).toBe(200);
    await until('its owner is told', () => node.lines.some(sentence));
    expect(node.lines.filter(sentence), 'once').toHaveLength(1);
    // From here on it has a certificate, and its first call is signed with the wrong time.
    await node.kill();
    node.lines.length = 0;
    await node.restart();
    await until('it is ready again', () => node.lines.some((line) => line.startsWith('ready')));
    const again = await built(stack.url, { ...REQUEST, rootfs_size_mb: size + 10 });
    expect(again.status, JSON.stringify(again.body)).toBe(200);
    expect(node.lines.filter((line) => line.startsWith('building'))).toHaveLength(1);
    await node.kill();
  },
);

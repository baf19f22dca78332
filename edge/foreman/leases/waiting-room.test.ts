import { expect, it } from 'vitest';
import { WaitingRoom } from './waiting-room.ts';

const LONG = 60_000;

/** Nodes that wait, and the names of those that were woken, once others had their turn. */
function room(
  ...nodes: readonly (readonly [name: string, held: string, typicalMs: number | null, isCalled?: 'called'])[]
) {
  const waiting = new WaitingRoom();
  const woken: string[] = [];
  for (const [name, held, typicalMs, isCalled] of nodes)
    void waiting
      .wait(LONG, { nodeId: name, held: new Set([held]), typicalMs, isCalled: isCalled !== undefined })
      .then(() => woken.push(name));
  return {
    async wake(imageBuilder?: string) {
      waiting.wakeSome(imageBuilder);
      await Promise.resolve();
      return woken.splice(0).join(' ');
    },
    waiting,
    woken,
  };
}

it('wakes those with the ImageBuilder first, then the fastest, then who waited longest; no more than four', async () => {
  const five = room(
    ['a', 'x', null],
    ['b', 'x', 90],
    ['c', 'y', null],
    ['d', 'x', 10],
    ['e', 'y', 50],
    ['f', 'x', null],
  );
  expect(await five.wake('y')).toBe('e c d b');
  expect(await five.wake('y')).toBe('a f');
  expect(await five.wake('y')).toBe('');
});

it('wakes all, each once', async () => {
  const three = room(['a', 'x', 1], ['b', 'x', 1], ['c', 'x', 1]);
  three.waiting.wakeAll();
  await Promise.resolve();
  expect(three.woken.splice(0)).toEqual(['a', 'b', 'c']);
  expect(await three.wake()).toBe('');
  expect(three.waiting.wakes).toBe(2);
});

it('names the one that is to be called where it is the best, wakes nobody then, and keeps its seat', async () => {
  const three = room(['asks', 'x', 10], ['called', 'y', 50, 'called'], ['other', 'z', 20, 'called']);
  const called = (imageBuilder: string) => three.waiting.toBeCalled(imageBuilder);
  expect([called('y'), called('z'), called('x'), called('none'), called('y')]).toEqual([
    'called',
    'other',
    null,
    null,
    'called',
  ]);
  await Promise.resolve();
  expect(three.woken).toEqual([]);
  // Who looked elsewhere meanwhile looks again.
  expect(three.waiting.wakes).toBe(3);
  expect(await three.wake('y')).toBe('called asks other');
});

it('dismisses one node, and it alone', async () => {
  const waiting = new WaitingRoom();
  const seat = (nodeId: string) => waiting.wait(LONG, { nodeId, held: new Set(), typicalMs: null, isCalled: false });
  const [one, two, three] = [seat('one'), seat('two'), seat('three')];
  waiting.dismiss('two');
  expect(await two).toBe('dismissed');
  waiting.wakeAll();
  expect(await Promise.all([one, three])).toEqual(['woken', 'woken']);
});

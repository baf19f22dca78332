import { expect, it } from 'vitest';
import { type Waiting, WaitingRoom } from './waiting-room.ts';

const LONG = 60_000;
const VOLUNTEER: Omit<Waiting, 'nodeId'> = {
  isTrusted: false,
  fetchesForeign: false,
  held: new Set(),
  typicalMs: null,
  isCalled: false,
};

/** Nodes that wait, and the names of those that were woken, once others had their turn. */
type Kind = 'called' | 'trusted' | 'fetches foreign';
function room(...nodes: readonly (readonly [name: string, held: string, typicalMs: number | null, kind?: Kind])[]) {
  const waiting = new WaitingRoom();
  const woken: string[] = [];
  for (const [nodeId, held, typicalMs, kind] of nodes) {
    const flags = {
      isCalled: kind === 'called',
      isTrusted: kind === 'trusted',
      fetchesForeign: kind === 'fetches foreign',
    };
    void waiting
      .wait(LONG, { ...VOLUNTEER, ...flags, nodeId, held: new Set([held]), typicalMs })
      .then(() => woken.push(nodeId));
  }
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

it('wakes one that may take what is not for everybody, however many others are better', async () => {
  const many = ['a', 'b', 'c', 'd', 'e'].map((name) => [name, 'x', 1] as const);
  const all = room(
    ...many,
    ['slow', 'y', 90, 'trusted'],
    ['slower', 'y', 99, 'trusted'],
    ['odd', 'z', 80, 'fetches foreign'],
  );
  expect(await all.wake('x')).toBe('a b c d slow odd');
  expect(await all.wake('x')).toBe('e slower');
});

it('wakes one question of a node, however many it has asked', async () => {
  const three = room(['a', 'x', 1], ['a', 'x', 1], ['b', 'y', 2]);
  expect(await three.wake('x')).toBe('a b');
  expect(await three.wake('x')).toBe('a');
});

it('wakes those that wait longest, and then the next', async () => {
  const three = room(['a', 'x', 1], ['b', 'x', 9], ['c', 'x', 5]);
  for (const names of ['a b', 'c', '']) {
    three.waiting.wakeEldest(2);
    await Promise.resolve();
    expect(three.woken.splice(0).join(' ')).toBe(names);
  }
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
  const seat = (nodeId: string) => waiting.wait(LONG, { ...VOLUNTEER, nodeId });
  const [one, two, three] = [seat('one'), seat('two'), seat('three')];
  waiting.dismiss('two');
  expect(await two).toBe('dismissed');
  waiting.wakeAll();
  expect(await Promise.all([one, three])).toEqual(['woken', 'woken']);
});

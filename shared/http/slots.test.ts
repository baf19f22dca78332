import { expect, it, test } from 'vitest';
import { openSlots } from './slots.ts';

/** Tasks that each run until they are let go, and what was seen of them. */
function workshop(limit: number) {
  const slots = openSlots(limit);
  const begun: string[] = [];
  const running = new Map<string, PromiseWithResolvers<string>>();
  let most = 0;
  const enter = (name: string): Promise<string> =>
    slots(() => {
      const task = Promise.withResolvers<string>();
      begun.push(name);
      running.set(name, task);
      most = Math.max(most, running.size);
      return task.promise.finally(() => running.delete(name));
    });
  const leave = (name: string): void => running.get(name)?.resolve(`done ${name}`);
  const fail = (name: string): void => running.get(name)?.reject(new Error(`broken ${name}`));
  return { begun, enter, leave, fail, most: () => most };
}

it('runs so many at once, and the others in the order in which they came', async () => {
  const { begun, enter, leave, most } = workshop(2);
  const all = ['a', 'b', 'c', 'd'].map(enter);
  expect(begun).toEqual(['a', 'b']);
  leave('b');
  expect(await all[1]).toBe('done b');
  await Promise.resolve();
  expect(begun).toEqual(['a', 'b', 'c']);
  leave('c');
  await all[2];
  leave('a');
  await all[0];
  leave('d');
  expect(await all[3]).toBe('done d');
  expect([begun, most()]).toEqual([['a', 'b', 'c', 'd'], 2]);
});

it('tells of a task that fails to who brought it, and gives its slot to the next', async () => {
  const { enter, leave, fail } = workshop(1);
  const [one, other] = [enter('a'), enter('b')];
  fail('a');
  await expect(one).rejects.toThrow('broken a');
  leave('b');
  expect(await other).toBe('done b');
});

it('lets nobody slip in between who leaves and who waits', async () => {
  const { begun, enter, leave, most } = workshop(1);
  const [one, other] = [enter('a'), enter('b')];
  leave('a');
  const late = one.then(() => enter('c'));
  await one;
  leave('b');
  await other;
  leave('c');
  await late;
  expect([begun, most()]).toEqual([['a', 'b', 'c'], 1]);
});

test('slots that were left are free again, and no more of them than there were', async () => {
  const { begun, enter, leave, most } = workshop(2);
  for (const name of ['a', 'b', 'c']) {
    const task = enter(name);
    leave(name);
    await task;
  }
  const all = ['d', 'e', 'f'].map(enter);
  expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
  for (const name of ['d', 'e']) leave(name);
  await Promise.all(all.slice(0, 2));
  leave('f');
  await all[2];
  expect(most()).toBe(2);
});

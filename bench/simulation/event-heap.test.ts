import { expect, test } from 'vitest';
import { seeded } from '../random.ts';
import { EventHeap } from './event-heap.ts';

test('events come by time, and those of one moment in the order in which they were pushed', () => {
  const random = seeded(1);
  const heap = new EventHeap<{ readonly at: number; readonly order: number }>();
  const all = Array.from({ length: 1_000 }, (_, order) => ({ at: Math.floor(random() * 50), order }));
  for (const event of all) heap.push(event);
  const popped = all.map(() => heap.pop());
  expect(popped).toEqual(all.toSorted((one, other) => one.at - other.at || one.order - other.order));
  expect(heap.pop()).toBeUndefined();
});

test('pushing between pops keeps the order', () => {
  const heap = new EventHeap<{ readonly at: number; readonly order: number }>();
  heap.push({ at: 5, order: 0 });
  heap.push({ at: 1, order: 1 });
  expect(heap.pop()?.at).toBe(1);
  heap.push({ at: 3, order: 2 });
  heap.push({ at: 7, order: 3 });
  expect([heap.pop()?.at, heap.pop()?.at, heap.peek()?.at, heap.size]).toEqual([3, 5, 7, 1]);
});

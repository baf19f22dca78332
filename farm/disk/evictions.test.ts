import { expect, test } from 'vitest';
import { evictions, shortfallOf } from './evictions.ts';
import type { ShelfEntry } from './shelf.ts';

const entry = (name: string, bytes: number, lastUsedMs: number, inUse = false): ShelfEntry => ({
  name,
  bytes,
  lastUsedMs,
  inUse,
});

const entries = [entry('new', 10, 30), entry('old', 10, 10), entry('busy', 100, 1, true), entry('middle', 10, 20)];

test.each<[string, number, string[] | null]>([
  ['nothing is missing', 0, []],
  ['a little', 1, ['old']],
  ['exactly the oldest', 10, ['old']],
  ['more than the oldest', 11, ['old', 'middle']],
  ['all that may go', 30, ['old', 'middle', 'new']],
  ['more than may go: nothing goes in vain', 31, null],
])('%s', (_, shortfallBytes, names) => {
  expect(evictions(entries, shortfallBytes)?.map(({ name }) => name) ?? null).toEqual(names);
});

test.each<[string, Parameters<typeof shortfallOf>[0], number]>([
  ['room by both', { usedBytes: 5, budgetBytes: 10, freeBytes: 50, reserveBytes: 40, neededBytes: 5 }, 0],
  ['over the budget', { usedBytes: 5, budgetBytes: 10, freeBytes: 500, reserveBytes: 40, neededBytes: 7 }, 2],
  ['into the reserve', { usedBytes: 0, budgetBytes: 100, freeBytes: 50, reserveBytes: 40, neededBytes: 13 }, 3],
  ['the worse of both', { usedBytes: 9, budgetBytes: 10, freeBytes: 50, reserveBytes: 40, neededBytes: 20 }, 19],
])('shortfall: %s', (_, space, bytes) => {
  expect(shortfallOf(space)).toBe(bytes);
});

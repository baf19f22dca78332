import { expect, test } from 'vitest';
import { OpenStreams } from './open-streams.ts';

test('there are so many places, and one that is given back is another’s', () => {
  const open = new OpenStreams(2, 1_000);
  const [first, second] = [open.open(0), open.open(0)];
  expect([first, second, open.open(0)]).toEqual([expect.any(Function), expect.any(Function), undefined]);
  first?.();
  first?.();
  expect([open.open(0), open.open(0), open.count]).toEqual([expect.any(Function), undefined, 2]);
});

test('a stream that died without a word does not take its place for ever', () => {
  const open = new OpenStreams(2, 1_000);
  const lost = open.open(0);
  open.open(500);
  expect(open.open(1_000)).toBeDefined();
  expect(open.open(1_000)).toBeUndefined();
  // Heard of after all: what is another's now stays so.
  lost?.();
  expect([open.count, open.open(1_000)]).toEqual([2, undefined]);
});

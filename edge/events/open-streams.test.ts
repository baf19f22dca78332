import { expect, test } from 'vitest';
import { OpenStreams } from './open-streams.ts';

test('there are so many places, and one that is given back is another’s', () => {
  const open = new OpenStreams(2, 2, 1_000);
  const [first, second] = [open.open(0, null), open.open(0, null)];
  expect([first, second, open.open(0, null)]).toEqual([expect.any(Function), expect.any(Function), undefined]);
  first?.();
  first?.();
  expect([open.open(0, null), open.open(0, null), open.count]).toEqual([expect.any(Function), undefined, 2]);
});

test('a stream that died without a word does not take its place for ever', () => {
  const open = new OpenStreams(2, 2, 1_000);
  const lost = open.open(0, null);
  open.open(500, null);
  expect(open.open(1_000, null)).toBeDefined();
  expect(open.open(1_000, null)).toBeUndefined();
  // Heard of after all: what is another's now stays so.
  lost?.();
  expect([open.count, open.open(1_000, null)]).toEqual([2, undefined]);
});

test('one client has some places and not all, and gets them back', () => {
  const open = new OpenStreams(10, 2, 1_000);
  const [first] = [open.open(0, 'a'), open.open(0, 'a')];
  expect([open.open(0, 'a'), open.open(0, 'b'), open.open(0, null)]).toEqual([
    undefined,
    expect.any(Function),
    expect.any(Function),
  ]);
  first?.();
  expect([open.open(0, 'a'), open.open(0, 'a'), open.count]).toEqual([expect.any(Function), undefined, 4]);
  // What has ended without a word is nobody's any more.
  expect(open.open(1_000, 'a')).toBeDefined();
});

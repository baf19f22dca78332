/** How many of the Foreman's calls to KV are open at once while it answers, is slow, or hangs, and what becomes of the others. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LIFETIMES } from '../../lifetimes.ts';
import { READING_MS } from '../../storage/object-store.ts';
import { type NearCache, nearCache } from './near-cache.ts';

interface Open {
  readonly what: string;
  readonly answer: PromiseWithResolvers<void>;
}

/** Answers when it is told to. */
function slowKv() {
  const began: Open[] = [];
  const call = (what: string): Promise<void> => {
    const answer = Promise.withResolvers<void>();
    began.push({ what, answer });
    return answer.promise;
  };
  const kv: NearCache = {
    put: (key, value) => call(`put ${key} ${value}`),
    delete: (key) => call(`delete ${key}`),
  };
  return { kv, began, names: () => began.map(({ what }) => what) };
}

const settles = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('two puts are open at once, and each of the others when one is over, in the order in which they came', async () => {
  const { kv, began, names } = slowKv();
  const cache = nearCache(kv);
  const done: string[] = [];
  for (const key of ['a', 'b', 'c', 'd']) void cache.put(key, '1').then(() => done.push(key));
  await settles();
  expect(names()).toEqual(['put a 1', 'put b 1']);
  began[1]?.answer.resolve();
  await settles();
  expect(names()).toEqual(['put a 1', 'put b 1', 'put c 1']);
  for (const { answer } of began) answer.resolve();
  await settles();
  began[3]?.answer.resolve();
  await settles();
  expect(done.sort()).toEqual(['a', 'b', 'c', 'd']);
});

test('one that fails makes room as well, and is told to whoever put it alone', async () => {
  const { kv, began, names } = slowKv();
  const cache = nearCache(kv);
  const told = Promise.allSettled([cache.put('a', '1'), cache.put('b', '1'), cache.put('c', '1')]);
  await settles();
  began[0]?.answer.reject(new Error('KV PUT failed: 429'));
  await settles();
  expect(names()).toEqual(['put a 1', 'put b 1', 'put c 1']);
  for (const { answer } of began) answer.resolve();
  expect((await told).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});

test('while KV hangs whoever put something hears so, and no more is open until those calls are surely over', async () => {
  const { kv, began, names } = slowKv();
  const cache = nearCache(kv);
  const first = Promise.allSettled([cache.put('a', '1'), cache.put('b', '1')]);
  const third = cache.put('c', '1');
  await vi.advanceTimersByTimeAsync(READING_MS);
  expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await vi.advanceTimersByTimeAsync(LIFETIMES.callMs - READING_MS - 1);
  expect(names()).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(names()).toEqual(['put a 1', 'put b 1', 'put c 1']);
  began[2]?.answer.resolve();
  await expect(third).resolves.toBeUndefined();
});

test('what is to be deleted waits behind no put, and by two at once as well', async () => {
  const { kv, names } = slowKv();
  const cache = nearCache(kv);
  for (const key of ['a', 'b', 'c']) void cache.put(key, '1').catch(() => undefined);
  const deletions = Promise.allSettled(['x', 'y', 'z'].map((key) => cache.delete(key)));
  await settles();
  expect(names()).toEqual(['put a 1', 'put b 1', 'delete x', 'delete y']);
  // The third one as well, though it was never open.
  await vi.advanceTimersByTimeAsync(READING_MS);
  expect((await deletions).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
});

test('a put that waits never comes behind the deletion of its key', async () => {
  const { kv, began, names } = slowKv();
  const cache = nearCache(kv);
  for (const key of ['a', 'b']) void cache.put(key, '1');
  const dropped = cache.put('withdrawn', '1');
  const deletion = cache.delete('withdrawn');
  await expect(dropped).resolves.toBeUndefined();
  for (const { answer } of began) answer.resolve();
  await deletion;
  await settles();
  expect(names()).toEqual(['put a 1', 'put b 1', 'delete withdrawn']);
});

test('of two puts by one key that wait, the newer one is made, and both hear of it', async () => {
  const { kv, began, names } = slowKv();
  const cache = nearCache(kv);
  for (const key of ['a', 'b']) void cache.put(key, '1');
  const both = Promise.all([cache.put('c', 'old'), cache.put('d', '1'), cache.put('c', 'new')]);
  for (const { answer } of began) answer.resolve();
  await settles();
  expect(names().slice(2)).toEqual(['put c new', 'put d 1']);
  for (const { answer } of began) answer.resolve();
  await both;
});

test('what there is no room for is refused, and what waits stays', async () => {
  const { kv, began, names } = slowKv();
  const cache = nearCache(kv);
  for (const key of ['a', 'b']) void cache.put(key, '1');
  const large = 'x'.repeat(1024 * 1024);
  const waiting = Promise.all(Array.from({ length: 16 }, (_, at) => cache.put(`large ${at}`, large)));
  await expect(cache.put('one more', large)).rejects.toThrow('expected at most 16777216 characters that wait');
  // In place of its older one there is room.
  const again = cache.put('large 0', 'small');
  await vi.waitFor(async () => {
    for (const { answer } of began) answer.resolve();
    await settles();
    expect(names()).toHaveLength(18);
  });
  for (const { answer } of began) answer.resolve();
  await Promise.all([waiting, again]);
  expect(names()[2]).toBe('put large 0 small');
});

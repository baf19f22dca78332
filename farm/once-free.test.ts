import { expect, test } from 'vitest';
import { onceFree } from './once-free.ts';

class Taken extends Error {}

/** Taken for so many tries. */
function place(takenFor: number, fault: () => Error = () => new Taken('somebody has it')) {
  const told: string[] = [];
  let tries = 0;
  const attempt = () => {
    tries += 1;
    if (tries <= takenFor) throw fault();
    return tries;
  };
  const wait = (more: { readonly signal?: AbortSignal; readonly patienceMs?: number } = {}) =>
    onceFree(attempt, {
      isTaken: (error) => error instanceof Taken,
      signal: new AbortController().signal,
      tell: (line) => told.push(line),
      ...more,
    });
  return { wait, told, tries: () => tries };
}

test('what is free is had at once, and nothing is said', async () => {
  const { wait, told } = place(0);
  expect([await wait(), told]).toEqual([1, []]);
});

test('what becomes free is waited for, which is said once', async () => {
  const { wait, told } = place(2);
  expect([await wait(), told]).toEqual([3, ['somebody has it; trying again for 30 s']]);
});

test('what stays taken is told when patience is over', async () => {
  const { wait, tries } = place(Number.POSITIVE_INFINITY);
  await expect(wait({ patienceMs: 600 })).rejects.toThrow(Taken);
  expect(tries()).toBeGreaterThan(1);
});

test('another fault is not waited for', async () => {
  const { wait, told, tries } = place(1, () => new Error('a wrong setting'));
  await expect(wait()).rejects.toThrow('a wrong setting');
  expect([told, tries()]).toEqual([[], 1]);
});

test('who is told to stop waits no longer', async () => {
  const { wait, tries } = place(Number.POSITIVE_INFINITY);
  const stop = new AbortController();
  const waiting = wait({ signal: stop.signal });
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  expect(tries()).toBe(1);
});

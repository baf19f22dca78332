import { expect, test } from 'vitest';
import { SharedWork } from './shared-work.ts';

const joiner = (signal = new AbortController().signal) => {
  const heard: number[] = [];
  return { heard, signal, onProgress: (progress: number) => void heard.push(progress) };
};

/** Work that the test steers, and how often it was started. */
function steered() {
  const starts: { signal: AbortSignal; report: (progress: number) => void; resolve: (result: string) => void }[] = [];
  const start = (signal: AbortSignal, report: (progress: number) => void) =>
    new Promise<string>((resolve, reject) => {
      starts.push({ signal, report, resolve });
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  return { starts, start };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('two that want the same get one piece of work, and both hear of its progress', async () => {
  const work = new SharedWork<number, string>();
  const { starts, start } = steered();
  const [first, second] = [joiner(), joiner()];
  const one = work.join('a', first, start);
  await settled();
  starts[0]?.report(1);
  const other = work.join('a', second, start);
  await settled();
  starts[0]?.report(2);
  starts[0]?.resolve('done');
  expect(await Promise.all([one, other])).toEqual(['done', 'done']);
  expect(starts).toHaveLength(1);
  expect(first.heard).toEqual([1, 2]);
  expect(second.heard).toEqual([1, 2]);
});

test('one that leaves does not take the work from the other', async () => {
  const work = new SharedWork<number, string>();
  const { starts, start } = steered();
  const leaving = new AbortController();
  const one = work.join('a', joiner(leaving.signal), start);
  const other = work.join('a', joiner(), start);
  await settled();
  leaving.abort(new Error('left'));
  await expect(one).rejects.toThrow('left');
  expect(starts[0]?.signal.aborted).toBe(false);
  starts[0]?.resolve('done');
  expect(await other).toBe('done');
});

test('the work ends when the last one leaves, and the next one starts anew', async () => {
  const work = new SharedWork<number, string>();
  const { starts, start } = steered();
  const leaving = new AbortController();
  const one = work.join('a', joiner(leaving.signal), start);
  await settled();
  leaving.abort(new Error('left'));
  await expect(one).rejects.toThrow('left');
  const next = work.join('a', joiner(), start);
  expect(starts[0]?.signal.aborted).toBe(true);
  await settled();
  starts[1]?.resolve('done');
  expect(await next).toBe('done');
});

test('a failure is everybody’s, and is not remembered', async () => {
  const work = new SharedWork<number, string>();
  await expect(work.join('a', joiner(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await work.join('a', joiner(), () => Promise.resolve('yes'))).toBe('yes');
});

test('who waits for called-off work to tidy up may leave too, and who stays gets it anew', async () => {
  const work = new SharedWork<number, string>();
  const tidied = Promise.withResolvers<string>();
  const [first, second] = [new AbortController(), new AbortController()];
  const one = work.join('a', joiner(first.signal), () => tidied.promise);
  await settled();
  first.abort(new Error('left'));
  await expect(one).rejects.toThrow('left');
  const anew = () => Promise.resolve('anew');
  const leaving = work.join('a', joiner(second.signal), anew);
  const staying = work.join('a', joiner(), anew);
  await settled();
  second.abort(new Error('left too'));
  await expect(leaving).rejects.toThrow('left too');
  tidied.resolve('too late');
  expect(await staying).toBe('anew');
});

import { expect, test } from 'vitest';
import { benchAll } from './all.ts';

const alive = new AbortController().signal;

test('one that fails does not hold up the others, and is named at the end', async () => {
  const lines: string[] = [];
  const ran: string[] = [];
  const one = (name: string) => ({ name, run: () => void ran.push(name) });
  const failing = { name: 'edge', run: () => Promise.reject(new Error('too slow')) };
  const all = benchAll([failing, one('foreman')], alive, { tell: (line: string) => void lines.push(line), restMs: 0 });
  await expect(all).rejects.toThrow('failed: edge');
  expect(ran).toEqual(['foreman']);
  expect(lines.slice(-2)).toEqual([
    expect.stringMatching(/^edge +\d+ s {2}FAILED: too slow$/),
    expect.stringMatching(/^foreman +\d+ s {2}kept$/),
  ]);
});

test('where all keep their limits nothing is thrown', async () => {
  await benchAll([{ name: 'month', run: () => undefined }], alive, { tell: () => undefined, restMs: 0 });
});

test('whoever stops it stops the rest', async () => {
  const stop = new AbortController();
  const ran: string[] = [];
  const first = { name: 'edge', run: () => stop.abort(new Error('stopped')) };
  const second = { name: 'foreman', run: () => void ran.push('foreman') };
  const all = benchAll([first, second], stop.signal, { tell: () => undefined, restMs: 0 });
  await expect(all).rejects.toThrow('stopped');
  expect(ran).toEqual([]);
});

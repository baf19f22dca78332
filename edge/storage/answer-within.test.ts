import { expect, it } from 'vitest';
import { answerWithin } from './answer-within.ts';

it('gives what the call gives, or its fault', async () => {
  expect(await answerWithin(60_000, async () => 'an answer')).toBe('an answer');
  const fault = new Error('no space left');
  await expect(answerWithin(60_000, () => Promise.reject(fault))).rejects.toBe(fault);
});

it('gives a call up that never answers, and says how long it was waited for', async () => {
  await expect(answerWithin(20, () => new Promise(() => undefined))).rejects.toThrow('no answer within 20 ms');
});

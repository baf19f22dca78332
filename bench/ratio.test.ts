import { expect, test } from 'vitest';
import { ratioOf } from './ratio.ts';

const rounds = (rates: readonly number[], processorUs: number | null = null) =>
  rates.map((requestsPerSecond) => ({ requestsPerSecond, processorUs }));

test('a machine that is slow in one round is slow for both, and the spread of the ratio is none', () => {
  const { rate, low, high } = ratioOf(rounds([50, 5, 40]), rounds([100, 10, 80]));
  expect({ rate, low, high }).toEqual({ rate: 0.5, low: 0.5, high: 0.5 });
});

test('half of the rounds lie between low and high', () => {
  const { low, high } = ratioOf(rounds([10, 20, 30, 40, 50]), rounds([100, 100, 100, 100, 100]));
  expect([low, high]).toEqual([0.2, 0.4]);
});

test('by processor time whoever takes half of it is twice as fast', () => {
  expect(ratioOf(rounds([1], 50), rounds([1], 100)).byProcessor).toBe(2);
});

test('where the system does not tell the processor time there is no such ratio', () => {
  expect(ratioOf(rounds([1]), rounds([1], 100)).byProcessor).toBeNull();
});

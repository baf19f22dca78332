import { expect, test } from 'vitest';
import type { Figures } from './figures.ts';
import { printTable } from './table.ts';

const GOOD: Figures = {
  seed: 1,
  scale: 1,
  minutes: 360,
  nodes: 1_000,
  queued: 100_000,
  requests: 1_000_000,
  hits: 800_000,
  polls: 9,
  builds: 200_000,
  images: 190_000,
  throughput: 0.9,
  callsPerSecond: 100,
  peakCallsPerSecond: 499,
  calls: { lease: 60 },
  jain: 0.99,
  waitSeconds: { p50: 60, p99: 900 },
  grownPositions: 0,
  estimateError: { first: 0.2, all: 0.2 },
  triedTooOften: 0,
  cancelled: 0,
  events: 10,
  processorSeconds: 100,
};

const brokenOf = (figures: Figures): string[] => printTable([{ name: 'day', figures }], () => undefined);

test('a day on which everything is as it should be has nothing to complain about', () => {
  expect(brokenOf(GOOD)).toEqual([]);
});

test.each<[name: string, bent: Partial<Figures>]>([
  ['throughput', { throughput: 0.5 }],
  ['calls', { peakCallsPerSecond: 501 }],
  ['fairness', { jain: 0.5 }],
  ['positions', { grownPositions: 1 }],
  ['estimates', { estimateError: { first: 0.1, all: 0.31 } }],
  ['attempts', { triedTooOften: 1 }],
  ['time', { processorSeconds: 121 }],
])('%s that are not as they should be are told', (name, bent) => {
  expect(brokenOf({ ...GOOD, ...bent })).toEqual([expect.stringContaining(`day, ${name}: expected`)]);
});

test('what cannot be told of a part is neither told nor held against it', () => {
  const lines: string[] = [];
  const figures = { ...GOOD, jain: null, estimateError: null, scale: 0.01, peakCallsPerSecond: 900 };
  expect(printTable([{ name: 'day', figures }], (line) => lines.push(line))).toEqual([]);
  const told = lines
    .filter((line) => /whole farm|fairness|error of estimates/.test(line))
    .map((line) => line.slice(34, 54));
  expect(told.map((cell) => cell.trim())).toEqual(['–', '–', '–']);
});

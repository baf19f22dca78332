import { expect, test } from 'vitest';
import { PLAYS, type PlayName } from './cast.ts';
import type { TrustFigures } from './trust-figures.ts';
import { printTrustTable } from './trust-table.ts';

const GOOD: TrustFigures = {
  seed: 1,
  minutes: 12,
  nodes: 120,
  lyingNodes: 6,
  results: 600,
  wrongImages: 0,
  wrongFailures: 0,
  wrongShare: 0,
  reckonedShare: 0.05 ** 3,
  takenBack: 0,
  servedSeconds: null,
  withdrawn: 0,
  extraWork: 2.3,
  checks: 100,
  lies: 20,
  liesUnseen: 1,
  liars: { always: { lied: 2, caught: 2 }, seldom: { lied: 2, caught: 2 }, careful: { lied: 2, caught: 1 } },
  toQuarantineSeconds: { p50: 60, p99: 600 },
  honestQuarantined: 0,
  honestDrained: 0,
  waitSeconds: { p50: 60, p99: 900 },
  processorSeconds: 100,
};

const brokenOf = (name: PlayName, bent: Partial<TrustFigures>): string[] =>
  printTrustTable([{ name, figures: { ...GOOD, ...bent } }], () => undefined);

test.each(PLAYS)('a day as it should be has nothing to complain about: %s', (name) => {
  expect(brokenOf(name, {})).toEqual([]);
});

test.each<[PlayName, Partial<TrustFigures>, string]>([
  ['liars', { wrongImages: 1 }, 'liars: expected no wrong image published'],
  ['honest', { wrongImages: 1 }, 'honest: expected no wrong image published'],
  ['liars', { wrongFailures: 1 }, 'liars: expected no false failure told'],
  ['liars', { honestQuarantined: 1 }, 'liars: expected no honest node quarantined'],
  ['patient', { honestQuarantined: 1 }, 'patient: expected no honest node quarantined'],
  ['liars', { results: 0 }, 'liars: expected anything published'],
])('of %s, %o is told', (name, bent, sentence) => {
  expect(brokenOf(name, bent)).toEqual([sentence]);
});

test('what proven liars get through is told in the table, and is no failure', () => {
  const lines: string[] = [];
  const figures = { ...GOOD, wrongImages: 2, wrongShare: 0.004 };
  expect(printTrustTable([{ name: 'patient', figures }], (line) => lines.push(line))).toEqual([]);
  expect(lines.find((line) => line.startsWith('wrong images'))).toMatch(/ 2$/);
});

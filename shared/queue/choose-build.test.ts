import { expect, it } from 'vitest';
import { inOrderOfChoice, OVERTAKING_MS } from './choose-build.ts';

const HOUR = 3_600_000;
const NOW = 100 * HOUR;
const build = (name: string, imageBuilder: string, waitedMs = 0) => ({
  name,
  imageBuilder,
  enqueuedAt: NOW - waitedMs,
});
const order = (builds: readonly ReturnType<typeof build>[], ...held: string[]) =>
  inOrderOfChoice(builds, new Set(held), NOW).map(({ name }) => name);

it.each<[situation: string, builds: ReturnType<typeof build>[], held: string[], order: string[]]>([
  ['a node without ImageBuilders keeps to turns', [build('1', 'x'), build('2', 'y')], [], ['1', '2']],
  ['what it has comes first', [build('1', 'x'), build('2', 'y')], ['y'], ['2', '1']],
  ['in turn among themselves', [build('1', 'x'), build('2', 'y'), build('3', 'y')], ['y'], ['2', '3', '1']],
  ['who waited for just so long is overtaken', [build('1', 'x', OVERTAKING_MS), build('2', 'y')], ['y'], ['2', '1']],
  ['who waited for long is not overtaken', [build('1', 'x', OVERTAKING_MS + 1), build('2', 'y')], ['y'], ['1', '2']],
  [
    'nor, where all wait for long, is who waited for a tenth longer than most',
    [build('1', 'x', 11 * HOUR), build('2', 'y', 9 * HOUR), build('3', 'x', 9 * HOUR), build('4', 'x', 9 * HOUR)],
    ['y'],
    ['1', '2', '3', '4'],
  ],
  [
    'where all wait for long, what a node has comes first',
    [build('1', 'x', 9.5 * HOUR), build('2', 'x', 9 * HOUR), build('3', 'y', 9 * HOUR)],
    ['y'],
    ['3', '1', '2'],
  ],
  ['nothing is lost', [build('1', ''), build('2', '')], ['z'], ['1', '2']],
])('%s', (_, builds, held, expected) => {
  expect(order(builds, ...held)).toEqual(expected);
});

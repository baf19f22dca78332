import { expect, it } from 'vitest';
import { parseDuration, tellDuration } from './duration.ts';

it.each<[string, number | null]>([
  ['90s', 90],
  ['30m', 1800],
  ['12h', 43_200],
  ['7d', 604_800],
  ['0d', 0],
  ['', null],
  ['7', null],
  ['d', null],
  ['7 d', null],
  ['7d ', null],
  ['7d\n', null],
  ['-7d', null],
  ['7.5d', null],
  ['7w', null],
  ['7D', null],
  ['9999999999d', null],
])('%j is %j seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

it.each<[number, string]>([
  [-3, '0 s'],
  [12, '12 s'],
  [90, '2 min'],
  [3600, '60 min'],
  [90_000, '25 h'],
  [30 * 86_400, '30 d'],
])('%i seconds are told as %s', (seconds, told) => {
  expect(tellDuration(seconds)).toBe(told);
});

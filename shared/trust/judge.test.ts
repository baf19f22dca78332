import { expect, test } from 'vitest';
import type { Vote } from '../quorum.ts';
import { judge } from './judge.ts';

const vote = (operator: string, digest: string, fields: Partial<Vote> = {}): Vote => ({
  leaseId: `lease of ${operator}`,
  operator,
  network: `network of ${operator}`,
  tier: 'volunteer',
  isProven: false,
  inputs: 'i',
  verdict: { outcome: 'image', digest },
  ...fields,
});
const trusted = { tier: 'trusted' } as const;
const failure = { verdict: { outcome: 'failure', kind: 'conflict' } } as const;

test.each<[string, Vote, Vote, Vote[], string]>([
  ['the same image', vote('a', 'good'), vote('t', 'good', trusted), [], 'right'],
  ['the same failure', vote('a', '', failure), vote('t', '', { ...trusted, ...failure }), [], 'right'],
  ['a wrong digest', vote('a', 'evil'), vote('t', 'good', trusted), [], 'lie'],
  [
    'a wrong digest, where others confirm the good one',
    vote('a', 'evil'),
    vote('t', 'good', trusted),
    [vote('b', 'good'), vote('c', 'bad')],
    'lie',
  ],
  ['the wrong digest of two that collude', vote('a', 'evil'), vote('t', 'good', trusted), [vote('b', 'evil')], 'lie'],
  ['a false failure', vote('a', '', failure), vote('t', 'good', trusted), [], 'lie'],
  ['an image of what cannot be built', vote('a', 'evil'), vote('t', '', { ...trusted, ...failure }), [], 'lie'],
  ['a third image of three', vote('a', 'one'), vote('t', 'two', trusted), [vote('b', 'three')], 'differs'],
  ['another image than a quorum’s', vote('a', 'one'), vote('q', 'two'), [], 'differs'],
  [
    'a trusted node’s image, another than a trusted node’s',
    vote('a', 'one', trusted),
    vote('t', 'two', trusted),
    [],
    'differs',
  ],
  ['of other inputs', vote('a', 'evil', { inputs: 'older' }), vote('t', 'good', trusted), [], 'moot'],
  [
    'three images, one of them of other inputs',
    vote('a', 'one'),
    vote('t', 'two', trusted),
    [vote('b', 'three', { inputs: 'j' })],
    'lie',
  ],
])('%s', (_, of, measure, others, finding) => {
  expect(judge(of, measure, [of, measure, ...others])).toBe(finding);
});

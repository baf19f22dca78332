import { expect, test } from 'vitest';
import { judge } from './judge.ts';
import type { Vote } from './quorum.ts';
import { fails, says, trusted, vote } from './vote.fixture.ts';

const failure = fails('conflict');

test.each<[string, Vote, Vote, Vote[], string]>([
  ['the same image', vote('a'), vote('t', trusted), [], 'right'],
  ['the same failure', vote('a', failure), vote('t', { ...trusted, ...failure }), [], 'right'],
  ['a wrong digest', vote('a', says('evil')), vote('t', trusted), [], 'lie'],
  [
    'a wrong digest, where others confirm the good one',
    vote('a', says('evil')),
    vote('t', trusted),
    [vote('b'), vote('c', says('bad'))],
    'lie',
  ],
  [
    'the wrong digest of two that collude',
    vote('a', says('evil')),
    vote('t', trusted),
    [vote('b', says('evil'))],
    'lie',
  ],
  ['a false failure', vote('a', failure), vote('t', trusted), [], 'lie'],
  ['an image of what cannot be built', vote('a', says('evil')), vote('t', { ...trusted, ...failure }), [], 'lie'],
  [
    'a third image of three',
    vote('a', says('one')),
    vote('t', { ...trusted, ...says('two') }),
    [vote('b', says('three'))],
    'differs',
  ],
  ['another image than a quorum’s', vote('a', says('one')), vote('q', says('two')), [], 'differs'],
  [
    'a trusted node’s image, another than a trusted node’s',
    vote('a', { ...trusted, ...says('one') }),
    vote('t', { ...trusted, ...says('two') }),
    [],
    'differs',
  ],
  [
    'one of three images of what a trusted node alone could not build',
    vote('a', says('one')),
    vote('t', { ...trusted, ...failure }),
    [vote('b', says('two')), vote('c', says('three'))],
    'differs',
  ],
  [
    'one of three images of what somebody else could not build either',
    vote('a', says('one')),
    vote('t', { ...trusted, ...failure }),
    [vote('b', says('two')), vote('c', says('three')), vote('d', failure)],
    'lie',
  ],
  [
    'one of three images of what somebody else could not build of other inputs',
    vote('a', says('one')),
    vote('t', { ...trusted, ...failure }),
    [vote('b', says('two')), vote('c', says('three')), vote('d', { inputs: 'j', ...failure })],
    'differs',
  ],
  [
    'one of two images of what a trusted node could not build',
    vote('a', says('one')),
    vote('t', { ...trusted, ...failure }),
    [vote('b', says('two'))],
    'lie',
  ],
  ['of other inputs', vote('a', { inputs: 'older', ...says('evil') }), vote('t', trusted), [], 'moot'],
  [
    'three images, one of them of other inputs',
    vote('a', says('one')),
    vote('t', { ...trusted, ...says('two') }),
    [vote('b', { inputs: 'j', ...says('three') })],
    'lie',
  ],
])('%s', (_, of, measure, others, finding) => {
  expect(judge(of, measure, [of, measure, ...others])).toBe(finding);
});

test.each<[string, Vote, Vote, string]>([
  ['the same image', vote('a'), vote('t', trusted), 'right'],
  ['another image', vote('a', says('evil')), vote('t', trusted), 'moot'],
  ['a failure', vote('a', failure), vote('t', trusted), 'moot'],
  ['another image than a quorum’s', vote('a', says('one')), vote('q', says('two')), 'moot'],
])('%s of what was not pinned', (_, of, measure, finding) => {
  expect(judge(of, measure, [of, measure], false)).toBe(finding);
});

import { expect, test } from 'vitest';
import { BUILD_ERRORS, type BuildErrorKind, isDeterministic } from './build-error.ts';
import { decide, type Vote } from './quorum.ts';

const image = (leaseId: string, tier: string, digest = 'd'): Vote => ({
  leaseId,
  operator: leaseId,
  tier,
  verdict: { outcome: 'image', digest },
});
const failure = (leaseId: string, tier: string, kind: BuildErrorKind): Vote => ({
  leaseId,
  operator: leaseId,
  tier,
  verdict: { outcome: 'failure', kind },
});

test.each<[string, Vote[], object]>([
  ['no vote', [], { decision: 'pending' }],
  ['a trusted image', [image('a', 'trusted')], { decision: 'image', leaseId: 'a' }],
  ['a trusted failure', [failure('a', 'trusted', 'conflict')], { decision: 'failure', leaseId: 'a' }],
  ['a volunteer’s image', [image('a', 'volunteer')], { decision: 'pending' }],
  ['many agreeing volunteers', ['a', 'b', 'c'].map((id) => image(id, 'volunteer')), { decision: 'pending' }],
  ['a volunteer’s failure', [failure('a', 'volunteer', 'build_failed')], { decision: 'pending' }],
  ['a tier that does not exist', [image('a', 'admin'), image('b', '')], { decision: 'pending' }],
  [
    'volunteers outvoted by one trusted node',
    [image('a', 'volunteer', 'evil'), image('b', 'volunteer', 'evil'), image('c', 'trusted')],
    { decision: 'image', leaseId: 'c' },
  ],
  [
    'two trusted words: the first',
    [failure('a', 'trusted', 'build_failed'), image('b', 'trusted')],
    { decision: 'failure', leaseId: 'a' },
  ],
  [
    'a fault of ours, then a word',
    [failure('a', 'trusted', 'timeout'), image('b', 'trusted')],
    { decision: 'image', leaseId: 'b' },
  ],
])('%s', (_, votes, decision) => {
  expect(decide(votes)).toEqual(decision);
});

test.each(Object.keys(BUILD_ERRORS) as BuildErrorKind[])('%s decides only where it would happen again', (kind) => {
  expect(decide([failure('a', 'trusted', kind)]).decision).toBe(isDeterministic(kind) ? 'failure' : 'pending');
});

import { describe, expect, it, test } from 'vitest';
import { BUILD_ERRORS, type BuildErrorKind, isDeterministic } from '../build/build-error.ts';
import { fc } from '../chance.fixture.ts';
import { TRUST_RULES, type TrustRule, trustPolicySchema } from './policy.ts';
import { type Decision, decide, isIndependent, type Vote, wantsVolunteers } from './quorum.ts';
import { fails, says, trusted, vote } from './vote.fixture.ts';

const policy = trustPolicySchema.parse({});
const crowd = { activeOperators: 10 };
const anyone: TrustRule = { condition: 'release', builders: 'anyone' };
const trustedOnly: TrustRule = { condition: 'not_reproducible', builders: 'trusted' };

const proven = { isProven: true } as const;

/** In short: what was decided, by whom, or what is missing. */
function told(decision: Decision): string {
  if (decision.decision === 'pending') return `${decision.independent} of ${decision.of ?? 'a trusted one'}`;
  if (decision.decision === 'disputed') return 'disputed';
  const { verdict, operator } = decision.vote;
  return `${verdict.outcome === 'image' ? verdict.digest : verdict.kind} by ${decision.by}, first ${operator}`;
}

test.each<[string, Vote[], string]>([
  ['no vote', [], '0 of 3'],
  ['a trusted image', [vote('a', trusted)], 'good by trusted, first a'],
  ['a trusted failure', [vote('a', { ...trusted, ...fails('conflict') })], 'conflict by trusted, first a'],
  ['one volunteer', [vote('a')], '1 of 3'],
  ['two volunteers of whom nobody has heard', [vote('a'), vote('b')], '2 of 3'],
  ['three of them', [vote('a'), vote('b'), vote('c')], 'good by quorum, first a'],
  ['one that is proven', [vote('a', proven)], '1 of 2'],
  ['one that is proven, and another', [vote('a', proven), vote('b')], 'good by quorum, first a'],
  ['another, and one that is proven', [vote('a'), vote('b', proven)], 'good by quorum, first a'],
  [
    'a failure of two',
    [vote('a', fails('conflict')), vote('b', { ...proven, ...fails('conflict') })],
    'conflict by quorum, first a',
  ],
  ['a volunteer’s failure alone', [vote('a', { ...proven, ...fails('build_failed') })], '1 of 2'],
  ['two failures that differ', [vote('a', fails('conflict')), vote('b', fails('build_failed'))], 'disputed'],
  ['an image and a failure', [vote('a', proven), vote('b', fails('conflict'))], 'disputed'],
  ['two images that differ', [vote('a', proven), vote('b', says('evil'))], 'disputed'],
  ['three that agree and one that does not', [vote('a'), vote('b'), vote('c'), vote('d', says('evil'))], 'disputed'],
  [
    'two nodes of one operator',
    [vote('a', proven), vote('a', { network: 'another' }), vote('a', { network: 'third' })],
    '1 of 2',
  ],
  ['two operators of one network', [vote('a', { ...proven, network: 'n' }), vote('b', { network: 'n' })], '1 of 2'],
  ['three of two networks', [vote('a'), vote('b', { network: 'n' }), vote('c', { network: 'n' })], '2 of 3'],
  ['two from nobody knows where', [vote('a', { ...proven, network: '' }), vote('b', { network: '' })], '1 of 3'],
  ['one of those and another', [vote('a', { network: '' }), vote('b', proven)], '1 of 2'],
  ['words about other inputs', [vote('a', proven), vote('b', { inputs: 'newer', ...says('other') })], '1 of 2'],
  ['words about other inputs that say the same', [vote('a', proven), vote('b', { inputs: 'newer' })], '1 of 2'],
  ['a tier that does not exist', [vote('a', { tier: 'admin' }), vote('b', { tier: '' })], '0 of 3'],
  [
    'volunteers outvoted by one trusted node',
    [vote('a', says('evil')), vote('b', says('evil')), vote('c', trusted)],
    'good by trusted, first c',
  ],
  [
    'a dispute that a trusted node ends',
    [vote('a', says('evil')), vote('b'), vote('c', trusted)],
    'good by trusted, first c',
  ],
  [
    'two trusted words: the first',
    [vote('a', { ...trusted, ...fails('build_failed') }), vote('b', trusted)],
    'build_failed by trusted, first a',
  ],
  [
    'a fault of ours, then a word',
    [vote('a', { ...trusted, ...fails('timeout') }), vote('b', trusted)],
    'good by trusted, first b',
  ],
  [
    'a fault of a volunteer’s beside two that agree',
    [vote('a', fails('timeout')), vote('b', proven), vote('c')],
    'good by quorum, first b',
  ],
])('%s', (_, votes, expected) => {
  expect(told(decide(votes, anyone, policy, crowd))).toBe(expected);
});

test('those who said the same of the same inputs attest it', () => {
  const votes = [vote('a'), vote('b', says('evil')), vote('c', { inputs: 'older' }), vote('d', trusted)];
  const decision = decide(votes, anyone, policy, crowd);
  expect(decision).toMatchObject({ attesters: [{ operator: 'd' }, { operator: 'a' }] });
});

test.each(Object.keys(BUILD_ERRORS) as BuildErrorKind[])('%s decides only where it would happen again', (kind) => {
  const { decision } = decide([vote('a', { ...trusted, ...fails(kind) })], anyone, policy, crowd);
  expect(decision).toBe(isDeterministic(kind) ? 'agreed' : 'pending');
});

describe('volunteers alone', () => {
  const many = Array.from({ length: 20 }, (_, at) => vote(`op-${at}`, proven));

  it('publish nothing below ten active operators, and it is said that a trusted node must', () => {
    expect(told(decide(many, anyone, policy, { activeOperators: 9 }))).toBe('20 of a trusted one');
    expect(told(decide(many, anyone, policy, { activeOperators: 10 }))).toBe('good by quorum, first op-0');
  });

  it.each(TRUST_RULES.filter(({ builders }) => builders === 'trusted'))('publish nothing with $condition', (rule) => {
    expect(told(decide(many, rule, policy, crowd))).toBe('20 of a trusted one');
    expect(wantsVolunteers([], rule, policy)).toBe(false);
  });

  it('may share a network where the operator of the farm says so', () => {
    const one = [vote('a', { ...proven, network: '' }), vote('b', { network: '' })];
    expect(told(decide(one, anyone, { ...policy, distinct_networks: false }, crowd))).toBe('good by quorum, first a');
  });
});

test.each<[string, Vote[], boolean]>([
  ['of a new build', [], true],
  ['beside one', [vote('a')], true],
  ['beside one that is proven', [vote('a', proven)], true],
  ['beside as many as it takes', [vote('a', proven), vote('b')], false],
  ['beside two of whom nobody has heard', [vote('a'), vote('b')], true],
  ['in a dispute', [vote('a'), vote('b', says('evil'))], false],
  ['beside a trusted one', [vote('a', trusted)], false],
  ['beside a fault of a trusted one', [vote('a', { ...trusted, ...fails('timeout') })], true],
  ['beside one that is proven and a fault of another', [vote('a', proven), vote('b', fails('timeout'))], true],
])('a volunteer’s word %s is wanted: %#', (_, votes, wanted) => {
  expect(wantsVolunteers(votes, anyone, policy)).toBe(wanted);
});

test.each([
  [{ operator: 'a', network: 'x' }, true, false],
  [{ operator: 'b', network: 'network of a' }, true, false],
  [{ operator: 'b', network: 'network of a' }, false, true],
  [{ operator: 'b', network: 'x' }, true, true],
])('the vote of %j, where networks must differ: %s, adds to that of a: %s', (voter, distinct_networks, adds) => {
  expect(isIndependent(voter, [vote('a')], { ...policy, distinct_networks })).toBe(adds);
});

test('a vote adds only where it is independent of each one that is there', () => {
  const voter = { operator: 'c', network: 'network of b' };
  expect(isIndependent(voter, [vote('a')], policy)).toBe(true);
  expect(isIndependent(voter, [vote('a'), vote('b')], policy)).toBe(false);
});

describe('whatever the votes are', () => {
  const operators = ['a', 'b', 'c', 'd', 'e'];
  const aVote = fc.record({
    leaseId: fc.string({ maxLength: 3 }),
    operator: fc.constantFrom(...operators),
    network: fc.constantFrom('', 'n1', 'n2', 'n3', 'n4'),
    tier: fc.constantFrom('volunteer', 'volunteer', 'volunteer', 'trusted', 'admin'),
    isProven: fc.boolean(),
    inputs: fc.constantFrom('i', 'i', 'j'),
    verdict: fc.oneof(
      fc.constantFrom('good', 'evil').map((digest) => ({ outcome: 'image', digest }) as const),
      fc.constantFrom<BuildErrorKind>('conflict', 'timeout').map((kind) => ({ outcome: 'failure', kind }) as const),
    ),
  });
  const votesOf = (votes: Vote[]) => fc.shuffledSubarray(votes, { minLength: votes.length });
  const anyRule = fc.constantFrom(...TRUST_RULES);
  const volunteersOf = (votes: Vote[]) => votes.map((each) => ({ ...each, tier: 'volunteer' }));

  it('a trusted node’s word decides', () => {
    fc.assert(
      fc.property(fc.array(aVote, { maxLength: 8 }), anyRule, fc.nat(20), (votes, rule, activeOperators) => {
        const words = votesWithTrusted(votes);
        const decision = decide(words, rule, policy, { activeOperators });
        expect(decision).toMatchObject({ decision: 'agreed', by: 'trusted', vote: words.find(isTrustedWord) });
      }),
    );
  });

  it('liars of fewer operators or networks than it takes never decide', () => {
    fc.assert(
      fc.property(fc.array(aVote, { maxLength: 8 }), fc.nat(20), (votes, activeOperators) => {
        const decision = decide(volunteersOf(votes), anyone, policy, { activeOperators });
        if (decision.decision !== 'agreed') return;
        const { attesters } = decision;
        const distinct = new Set(attesters.map(({ operator }) => operator)).size;
        const networks = new Set(attesters.map(({ network }) => network).filter((network) => network !== '')).size;
        const least = attesters.some(({ isProven }) => isProven) ? policy.operators : policy.unproven_operators;
        expect(activeOperators).toBeGreaterThanOrEqual(policy.active_operators);
        expect(distinct).toBeGreaterThanOrEqual(least);
        expect(networks).toBeGreaterThanOrEqual(least);
      }),
    );
  });

  it('another vote of an operator that voted changes nothing', () => {
    fc.assert(
      fc.property(fc.array(aVote, { minLength: 1, maxLength: 6 }), aVote, fc.nat(5), (votes, more, at) => {
        const words = volunteersOf(votes).map((each) => ({ ...each, verdict: said(each) }));
        const of = words[at % words.length];
        if (!of) throw new Error('expected a vote');
        const again = { ...more, tier: 'volunteer', operator: of.operator };
        expect(decide([...words, again], anyone, policy, crowd)).toEqual(decide(words, anyone, policy, crowd));
      }),
    );
  });

  it('the order in which volunteers vote does not matter for what is decided', () => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(aVote, { selector: ({ operator }) => operator, maxLength: 5 })
          .map(volunteersOf)
          .chain((votes) => fc.tuple(fc.constant(votes), votesOf(votes))),
        ([votes, shuffled]) => {
          const [one, other] = [votes, shuffled].map((each) => decide(each, anyone, policy, crowd));
          expect(other?.decision).toBe(one?.decision);
          if (one?.decision === 'agreed' && other?.decision === 'agreed')
            expect(other.vote.verdict).toEqual(one.vote.verdict);
        },
      ),
    );
  });

  it('nothing is decided where rule, farm or disagreement forbid it', () => {
    fc.assert(
      fc.property(
        fc.array(aVote, { maxLength: 8 }),
        fc.constantFrom(anyone, trustedOnly),
        fc.nat(9),
        (votes, rule, n) => {
          const farm = { activeOperators: rule === anyone ? n : 1_000 };
          expect(decide(volunteersOf(votes), rule, policy, farm).decision).not.toBe('agreed');
        },
      ),
    );
  });

  const said = ({ verdict }: Vote): Vote['verdict'] =>
    verdict.outcome === 'failure' ? { outcome: 'failure', kind: 'conflict' } : verdict;
  const isTrustedWord = ({ tier, verdict }: Vote) =>
    tier === 'trusted' && (verdict.outcome === 'image' || isDeterministic(verdict.kind));
  const votesWithTrusted = (votes: Vote[]): Vote[] =>
    votes.some(isTrustedWord) ? votes : [...votes, vote('t', { ...trusted, ...says('good') })];
});

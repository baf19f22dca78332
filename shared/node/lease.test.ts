import { describe, expect, it, test } from 'vitest';
import { AGAIN_MS, afterLostLease, hadJustNow, leaseExpiry, mayTake, needsRenewal, wasAway } from './lease.ts';

const now = 1_000_000;

test.each([
  ['in the middle of a build', now + 600_000, now + 90_000],
  ['near the last moment', now + 10_000, now + 10_000],
  ['past it', now - 1, now - 1],
])('a lease that is renewed %s ends in time', (_, latestAt, end) => {
  expect(leaseExpiry(now, 90_000, latestAt)).toBe(end);
});

test.each([
  [90_000, false],
  [60_000, false],
  [59_999, true],
  [0, true],
  [-5, true],
])('with %i of 90,000 ms left, a report renews: %s', (left, renews) => {
  expect(needsRenewal(now + left, now, 90_000)).toBe(renews);
});

test.each([
  ['no alarm was set', null, false],
  ['it is not due yet', now + 5_000, false],
  ['it rings on time', now, false],
  ['it is late by moments', now - 1_000, false],
  ['it is late by more', now - 1_001, true],
  ['it slept for an hour', now - 3_600_000, true],
])('the Foreman was away where %s, due at %s: %s', (_, dueAt, away) => {
  expect(wasAway(dueAt, now)).toBe(away);
});

describe('a build', () => {
  const by = (...ids: string[]) => ids.map((id) => ({ by: id }));
  const inTime = () => false;
  it.each([
    ['that nobody tried goes to anybody', by(), ['a', 'b'], true],
    ['that another node failed goes to this one', by('b'), ['a', 'b'], true],
    ['that this node failed waits for another that is present', by('a'), ['a', 'b'], false],
    ['that this node failed comes again where it is alone', by('a', 'a'), ['a'], true],
    ['that this node failed comes again where it is not even seen', by('a'), [], true],
    ['that every present node failed goes to any of them', by('a', 'b'), ['a', 'b'], true],
    ['that two of three failed waits for the third', by('a', 'b'), ['a', 'b', 'c'], false],
  ])('%s', (_, earlier, present, may) => {
    expect(mayTake('a', earlier, () => present, inTime)).toBe(may);
  });

  it('of a node that did not try it costs no look at the register', () => {
    const register = () => {
      throw new Error('expected not to be asked');
    };
    expect(mayTake('a', by('b'), register, register)).toBe(true);
  });
});

test('a build does not wait for ever for one that is there and never comes', () => {
  const isThere = () => ['a', 'never comes'];
  const tries = [{ by: 'a' }];
  expect(mayTake('a', tries, isThere, () => false)).toBe(false);
  expect(mayTake('a', tries, isThere, () => true)).toBe(true);
});

test.each([
  ['just now', [{ by: 'a', at: now - AGAIN_MS + 1 }], true],
  ['a while ago', [{ by: 'a', at: now - AGAIN_MS }], false],
  ['long ago and just now', [0, now].map((at) => ({ by: 'a', at })), true],
  ['never, but somebody else did', [{ by: 'b', at: now }], false],
])('who had a build %s: had it just now, %s', (_, tries, had) => {
  expect(hadJustNow('a', tries, now)).toBe(had);
});

test.each([
  [1, 3, 'requeue'],
  [2, 3, 'requeue'],
  [3, 3, 'give up'],
  [4, 3, 'give up'],
  [1, 1, 'give up'],
])('after %i attempts of %i: %s', (attempts, max, next) => {
  expect(afterLostLease(attempts, max)).toBe(next);
});

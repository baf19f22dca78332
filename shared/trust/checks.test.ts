import { describe, expect, it, test } from 'vitest';
import { type Answer, type CheckKind, isCanaryDue, isRebuildDue, outcomeOf } from './checks.ts';
import { trustPolicySchema } from './policy.ts';

const SAME: Answer['said'] = { outcome: 'image', digest: 'known' };
const OTHER: Answer['said'] = { outcome: 'image', digest: 'another' };
const FAILURE: Answer['said'] = { outcome: 'failure', kind: 'build_failed' };

test.each([
  ['canary', 'the same image', SAME, true, 'right'],
  ['canary', 'another image', OTHER, true, 'disputed'],
  ['canary', 'a failure', FAILURE, true, 'disputed'],
  ['dispute', 'the same image', SAME, true, 'lie'],
  ['dispute', 'the same image, of a target that nobody has measured', SAME, false, 'unclear'],
  ['dispute', 'another image', OTHER, true, 'differs'],
  ['dispute', 'another image, of a target that nobody has measured', OTHER, false, 'differs'],
  ['dispute', 'a failure', FAILURE, true, 'doubtful'],
  ['rebuild', 'the same image', SAME, true, 'settle'],
  ['rebuild', 'another image', OTHER, true, 'settle'],
  ['rebuild', 'a failure', FAILURE, true, 'unclear'],
] as const)('%s: %s', (kind: CheckKind, _, said, isTelling, outcome) => {
  expect(outcomeOf(kind, { said, digest: 'known', isTelling })).toBe(outcome);
});

describe('is due', () => {
  const policy = (fields: object) => trustPolicySchema.parse(fields);
  it.each([
    ['one order in twenty', {}, false, 0.049, true],
    ['the others are not', {}, false, 0.05, false],
    ['each order of a newcomer', {}, true, 0.999, true],
    ['where it is off, none', { canary_one_in: 0 }, true, 0, false],
    ['each, where that is set', { canary_one_in: 1 }, false, 0.999, true],
  ])('as a canary: %s', (_, fields, isNewcomer, draw, is) => {
    expect(isCanaryDue({ isNewcomer, draw }, policy(fields))).toBe(is);
  });

  it.each([
    ['one image in ten', {}, 0.099, true],
    ['the others are not', {}, 0.1, false],
    ['where it is off, none', { rebuild_one_in: 0 }, 0, false],
  ])('as a rebuild: %s', (_, fields, draw, is) => {
    expect(isRebuildDue(draw, policy(fields))).toBe(is);
  });
});

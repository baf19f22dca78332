import { expect, test } from 'vitest';
import { trustPolicySchema } from './policy.ts';
import { branchOf, isReproducible, NOTHING_MEASURED } from './reproducibility.ts';

const policy = trustPolicySchema.parse({});
const said = (...reproducible: string[]) => trustPolicySchema.parse({ reproducible });

test.each<[string, Partial<typeof NOTHING_MEASURED>, typeof policy, boolean]>([
  ['nothing was measured', {}, policy, false],
  ['too few agreed', { agreed: 4 }, policy, false],
  ['enough agreed', { agreed: 5 }, policy, true],
  ['enough agreed, and a liar differed', { agreed: 5, explained: 3 }, policy, true],
  ['enough agreed, and one differed that nobody explains', { agreed: 500, unexplained: 1 }, policy, false],
  ['the operator says so', {}, said('24.10 x86/64'), true],
  ['the operator says so of all of them', {}, said('* *'), true],
  ['the operator says so of the branch', {}, said('24.10 *'), true],
  ['the operator says so of another branch', {}, said('23.05 x86/64'), false],
  ['the operator says so of another target', {}, said('* x86/generic'), false],
  ['the operator says so, and is wrong', { unexplained: 1 }, said('* *'), false],
])('where %s', (_, tally, by, known) => {
  expect(isReproducible('24.10.2', 'x86/64', { ...NOTHING_MEASURED, ...tally }, by)).toBe(known);
});

test('of what was never built nothing is measured', () => {
  expect(NOTHING_MEASURED).toEqual({ agreed: 0, unexplained: 0, explained: 0 });
});

test.each([
  ['24.10.2', '24.10'],
  ['24.10-SNAPSHOT', '24.10'],
  ['SNAPSHOT', 'SNAPSHOT'],
  ['19.07.x', '19.07.x'],
])('%s is of branch %s', (version, branch) => {
  expect(branchOf(version)).toBe(branch);
});

import { expect, it } from 'vitest';
import { FARM_PROTOCOL, mayLackStatement, whyTooOld } from './farm-protocol.ts';

it.each([
  ['the same version', FARM_PROTOCOL, undefined, null],
  ['the version before', FARM_PROTOCOL - 1, undefined, null],
  ['a later version', FARM_PROTOCOL + 7, undefined, null],
  ['one that does not say, which is the first', 0, 1, null],
  ['one that does not say, where the first is too old', 0, 2, 'speaks version 1'],
  ['one that is too old', 3, 5, 'and this edge needs 5 or later: update the node'],
])('%s', (_, spoken, oldest, told) => {
  const why = whyTooOld(spoken, oldest);
  if (told === null) expect(why).toBeNull();
  else expect(why).toContain(told);
});

it.each([
  ['a trusted node, while one of before statements is spoken with', 'trusted', 2, true],
  ['a trusted node afterwards', 'trusted', 3, false],
  ['a volunteer, ever', 'volunteer', 2, false],
] as const)('a result without a statement: %s', (_, tier, oldest, may) => {
  expect(mayLackStatement(tier, oldest)).toBe(may);
});

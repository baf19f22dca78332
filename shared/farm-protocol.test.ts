import { expect, it } from 'vitest';
import { FARM_PROTOCOL, whyTooOld } from './farm-protocol.ts';

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

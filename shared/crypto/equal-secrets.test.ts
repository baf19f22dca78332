import { expect, it } from 'vitest';
import { equalSecrets } from './equal-secrets.ts';

const KEY = '5e'.repeat(32);

it.each<[string, string, boolean]>([
  [KEY, KEY, true],
  ['', '', true],
  [KEY, `6${KEY.slice(1)}`, false],
  [KEY, `${KEY.slice(0, -1)}f`, false],
  [KEY, KEY.slice(1), false],
  [KEY, `${KEY}5`, false],
  [KEY, '', false],
  ['ab', 'ba', false],
])('%j and %j: %s', (one, other, are) => {
  expect(equalSecrets(one, other)).toBe(are);
});

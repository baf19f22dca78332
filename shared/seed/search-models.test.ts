import { expect, it, test } from 'vitest';
import { searchModels } from './search-models.ts';

const models = ['50% faster', 'a_b', 'Archer C7 v2', 'Archer C7 v5', 'axb', 'WDR4300 (EU)'].map((model, n) => ({
  model,
  target: 'ath79/generic',
  profile: `p${n}`,
}));
const found = (search: string, atMost = 100) => searchModels(models, search, atMost).map(({ model }) => model);

it.each([
  ['a part of a name', 'cher', ['Archer C7 v2', 'Archer C7 v5']],
  ['whatever its case', 'ARCHER c7 V5', ['Archer C7 v5']],
  ['% as itself', '%', ['50% faster']],
  ['_ as itself', '_', ['a_b']],
  ['what would be a pattern elsewhere as itself', '.*', []],
  ['brackets as themselves', '(eu)', ['WDR4300 (EU)']],
  ['nothing as a part of every name', '', models.map(({ model }) => model)],
  ['no profile', 'p3', []],
])('finds %s', (_, search, names) => {
  expect(found(search)).toEqual(names);
});

test('finds so many and no more', () => {
  expect(found('archer', 1)).toEqual(['Archer C7 v2']);
});

import { expect, test } from 'vitest';
import type { Provenance } from '../../../shared/trust/provenance.ts';
import { rebuildScript, shownProvenance } from './provenance.ts';

const HASH = 'a'.repeat(64);
const sealed = (json: unknown) => ({ payload: btoa(JSON.stringify(json)), payloadType: 'x', signatures: [] });
const provenance = (attesters: unknown, definition: unknown): Provenance =>
  ({
    request_hash: HASH,
    summary: sealed({ predicate: { asu_attesters: attesters } }),
    statements: [sealed({ predicate: { buildDefinition: definition } })],
    log: null,
  }) as unknown as Provenance;
const DEFINITION = {
  internalParameters: { command: ['make', 'image', 'PROFILE=x', "PACKAGES=a -b $(c) 'd'"] },
  resolvedDependencies: [
    { name: 'feed:base', digest: { sha256: 'b' } },
    { name: 'imagebuilder', uri: 'https://up.example/ib.Linux-x86_64.tar.zst', digest: { sha256: HASH } },
  ],
};

test('two nodes of one operator are one operator', () => {
  const node = (id: string, tier: string, operator: string) => ({ id, tier, operator });
  const shown = shownProvenance(
    provenance([node('1', 'trusted', 'x'), node('2', 'volunteer', 'y'), node('3', 'volunteer', 'y')], DEFINITION),
  );
  expect(shown).toMatchObject({ operators: 2, isPrivate: false });
  expect(shown.vouchers.map(({ isTrusted }) => isTrusted)).toEqual([true, false, false]);
});

test('the recipe is a script in which no word is more than a word', () => {
  const { recipe } = shownProvenance(provenance([], DEFINITION));
  if (!recipe) throw new Error('expected a recipe');
  expect(rebuildScript(recipe).split('\n')).toEqual([
    'wget https://up.example/ib.Linux-x86_64.tar.zst',
    `echo '${HASH}  ib.Linux-x86_64.tar.zst' | sha256sum -c`,
    'tar -xf ib.Linux-x86_64.tar.zst',
    'cd ib.Linux-x86_64',
    `make image PROFILE=x 'PACKAGES=a -b $(c) '\\''d'\\'''`,
  ]);
});

test.each([
  ['nothing', null],
  ['a list', []],
  ['a command that is none', { ...DEFINITION, internalParameters: { command: 'make' } }],
  [
    'an address that runs something',
    { ...DEFINITION, resolvedDependencies: [{ name: 'imagebuilder', uri: 'javascript:1' }] },
  ],
])('%s gives no recipe, and breaks nothing', (_, definition) => {
  expect(shownProvenance(provenance('x', definition))).toEqual({
    vouchers: [],
    operators: 0,
    recipe: null,
    isPrivate: false,
  });
  const torn = { ...provenance([], null), summary: { payload: '%%%' }, statements: [] } as unknown as Provenance;
  expect(shownProvenance(torn)).toMatchObject({ vouchers: [], recipe: null });
});

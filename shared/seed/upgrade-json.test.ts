import { expect, it } from 'vitest';
import { seedUpgradeSchema } from '../api/seed-check-answers.ts';
import { fc } from '../chance.fixture.ts';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../request/grammar.ts';
import { jsonOf, steadyPackages } from './plain-packages.fixture.ts';
import { upgradeJson } from './upgrade-json.ts';

const name = fc.oneof(fc.stringMatching(PACKAGE_NAME), fc.constantFrom('constructor', 'toString', 'libstdc++6', '0'));
const version = fc.stringMatching(PACKAGE_VERSION);
const names = fc.uniqueArray(name, { maxLength: 20 });

const told = fc.uniqueArray(fc.record({ name, offered: version, installed: version }), {
  selector: (upgrade) => upgrade.name,
  maxLength: 20,
});
type Told = typeof told extends fc.Arbitrary<infer Value> ? Value : never;

const steadyOf = (names: readonly string[], upgrades: Told) =>
  steadyPackages(
    names.map((one) => JSON.stringify(one)),
    upgrades.map(({ name, offered, installed }) => `${JSON.stringify(name)}:["${offered}","${installed}"]`),
  );

it('is the JSON of the answer, whatever packages and versions it tells', () => {
  const comparison = fc.option(
    fc.record({ packages: names, upgrades: told, dropped: names, steadyNames: names, steadyUpgrades: told }),
  );
  fc.assert(
    fc.property(fc.option(fc.constantFrom('24.10.2', 'SNAPSHOT')), comparison, (version, comparison) => {
      const answer = jsonOf(
        upgradeJson({
          version,
          comparison: comparison && {
            ...comparison,
            steady: steadyOf(comparison.steadyNames, comparison.steadyUpgrades),
          },
        }),
      );
      expect(answer).toEqual({
        ...(version !== null && { version }),
        ...(comparison && {
          packages: [...comparison.packages, ...comparison.steadyNames],
          upgrades: Object.fromEntries(
            [...comparison.upgrades, ...comparison.steadyUpgrades].map(({ name, offered, installed }) => [
              name,
              [offered, installed],
            ]),
          ),
          ...(comparison.dropped.length > 0 && { dropped: comparison.dropped }),
        }),
      });
      expect(seedUpgradeSchema.safeParse(answer).success).toBe(true);
    }),
  );
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seedUpgradeSchema } from '../api/seed-check-answers.ts';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../grammar.ts';
import { upgradeText } from './upgrade-text.ts';

const name = fc.oneof(fc.stringMatching(PACKAGE_NAME), fc.constantFrom('constructor', 'toString', 'libstdc++6', '0'));
const version = fc.stringMatching(PACKAGE_VERSION);
const names = fc.uniqueArray(name, { maxLength: 20 });

it('is the JSON of the answer, whatever packages and versions it tells', () => {
  const upgrades = fc.uniqueArray(fc.record({ name, offered: version, installed: version }), {
    selector: (upgrade) => upgrade.name,
    maxLength: 20,
  });
  const comparison = fc.option(fc.record({ packages: names, upgrades, dropped: names }));
  fc.assert(
    fc.property(fc.option(fc.constantFrom('24.10.2', 'SNAPSHOT')), comparison, (version, comparison) => {
      const told = JSON.parse(upgradeText({ version, comparison }));
      expect(told).toEqual({
        ...(version !== null && { version }),
        ...(comparison && {
          packages: comparison.packages,
          upgrades: Object.fromEntries(
            comparison.upgrades.map(({ name, offered, installed }) => [name, [offered, installed]]),
          ),
          ...(comparison.dropped.length > 0 && { dropped: comparison.dropped }),
        }),
      });
      expect(seedUpgradeSchema.safeParse(told).success).toBe(true);
    }),
  );
});

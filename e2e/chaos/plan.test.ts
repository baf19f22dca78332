import { expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { chaosPlan, FAULTS, MAY_BEFALL, TARGETS } from './plan.ts';
import { CLIENTS, keyOf, packagesOf, SCRIPT_CLIENTS, scriptOf, WISH_KINDS, wishOf } from './wishes.ts';

const SEED = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const LENGTH_MS = fc.integer({ min: 15_000, max: 10 * 60_000 });

test('the same seed and length give the same plan, another seed another one', () => {
  fc.assert(
    fc.property(SEED, LENGTH_MS, (seed, lengthMs) => {
      expect(chaosPlan(seed, lengthMs)).toEqual(chaosPlan(seed, lengthMs));
      expect(chaosPlan(seed, lengthMs).visits).not.toEqual(chaosPlan(seed + 1, lengthMs).visits);
    }),
    { numRuns: 25 },
  );
});

test('every fault may befall its target, lasts, is over by the end, and meets no other of the same target', () => {
  fc.assert(
    fc.property(SEED, LENGTH_MS, (seed, lengthMs) => {
      const { faults } = chaosPlan(seed, lengthMs);
      for (const { fault, target, startMs, endMs } of faults) {
        expect(MAY_BEFALL[target]).toContain(fault);
        expect(startMs).toBeGreaterThanOrEqual(0);
        expect(endMs).toBeGreaterThan(startMs);
        expect(endMs).toBeLessThanOrEqual(lengthMs);
      }
      for (const target of TARGETS) {
        const those = faults.filter((one) => one.target === target);
        for (const [at, one] of those.entries())
          expect(those[at + 1]?.startMs ?? lengthMs).toBeGreaterThanOrEqual(one.endMs);
      }
    }),
    { numRuns: 25 },
  );
});

test('every visitor comes while there is weather, and his client can say what he wishes', () => {
  fc.assert(
    fc.property(SEED, LENGTH_MS, (seed, lengthMs) => {
      const { visits } = chaosPlan(seed, lengthMs);
      expect(visits.length).toBeGreaterThan(0);
      for (const { atMs, client, wish } of visits) {
        expect(atMs).toBeLessThan(lengthMs);
        expect(wish.kind === 'script' ? SCRIPT_CLIENTS : CLIENTS).toContain(client);
      }
    }),
    { numRuns: 25 },
  );
});

test('ten minutes have every fault of every target, every kind of wish, repeated wishes, and visitors who leave', () => {
  const { faults, visits } = chaosPlan(7, 10 * 60_000);
  for (const target of TARGETS)
    for (const fault of FAULTS)
      expect(
        faults.some((one) => one.target === target && one.fault === fault),
        `${fault} ${target}`,
      ).toBe(MAY_BEFALL[target].includes(fault));
  expect(new Set(visits.map(({ wish }) => wish.kind))).toEqual(new Set(Object.keys(WISH_KINDS)));
  expect(new Set(visits.map(({ client }) => client))).toEqual(new Set(CLIENTS));
  expect(new Set(visits.map(({ wish }) => keyOf(wish))).size).toBeLessThan(visits.length);
  expect(visits.some(({ leaves }) => leaves)).toBe(true);
});

test('a wish is known again by what a client sends', () => {
  fc.assert(
    fc.property(SEED, (seed) => {
      for (const { wish } of chaosPlan(seed, 60_000).visits) {
        const packages = ['luci', ...packagesOf(wish)];
        expect(wishOf({ packages, defaults: scriptOf(wish) })).toEqual(wish);
        const packages_versions = Object.fromEntries(packages.map((name) => [name, '1']));
        expect(wishOf({ packages_versions, defaults: scriptOf(wish) ?? '' })).toEqual(wish);
      }
    }),
    { numRuns: 30 },
  );
});

import { describe, expect, it, test } from 'vitest';
import { seedUpgradeSchema } from '../api/seed-check-answers.ts';
import { indexedVersion } from '../build/freshness.ts';
import { fc } from '../chance.fixture.ts';
import { archDocument, targetDocument } from '../upstream/upstream.fixture.ts';
import type { CarriedOver, VersionIndex } from './carry-over.ts';
import { hasPackage } from './carry-over.ts';
import { jsonOf, steadyPackages } from './plain-packages.fixture.ts';
import { NOTHING_STEADY } from './steady-packages.ts';
import type { UpgradeCheck } from './upgrade-check-fields.ts';
import { upgradeJson } from './upgrade-json.ts';
import {
  comparesPackages,
  type Offer,
  outcomeWithoutPackages,
  type UpgradeOutcome,
  upgradeOutcome,
} from './upgrade-outcome.ts';

const BEFORE: VersionIndex = {
  target: targetDocument({ packages: {} }),
  arch: archDocument({ packages: { vim: '1', gone: '1', libold: '1' }, provides: [] }),
};
const OFFER: Offer = {
  target: targetDocument({ packages: { 'kmod-usb2': '6.6' } }),
  arch: archDocument({ packages: { vim: '2', curl: '8', constructor: '2' }, provides: ['editor'] }),
  version: '24.10.2',
  isNewer: true,
  hasOtherFeeds: false,
};
const SAME: Offer = { ...OFFER, isNewer: false };

const carried = (packages: Record<string, string>, more: Partial<CarriedOver> = {}): CarriedOver => ({
  packages: Object.entries(packages).map(([name, installed]) => ({
    name,
    offered: indexedVersion(name, OFFER.target, OFFER.arch),
    installed,
  })),
  steady: NOTHING_STEADY,
  gone: [],
  unsettled: [],
  ...more,
});

/** With the answer as its client reads it. */
function told(outcome: UpgradeOutcome) {
  if (outcome.state !== 'upgrade') return outcome;
  return { state: outcome.state, answer: seedUpgradeSchema.parse(jsonOf(upgradeJson(outcome.answer))) };
}

describe('a newer version', () => {
  test('is told with packages and what is newer of them', () => {
    expect(
      told(upgradeOutcome(OFFER, carried({ vim: '1', curl: '8', editor: '1', 'kmod-usb2': '5.4' }), null)),
    ).toEqual({
      state: 'upgrade',
      answer: {
        version: '24.10.2',
        packages: ['vim', 'curl', 'editor', 'kmod-usb2'],
        upgrades: { 'kmod-usb2': ['6.6', '5.4'], vim: ['2', '1'] },
      },
    });
  });

  test('is told where no package is newer, and where there is none', () => {
    for (const packages of [{ vim: '2' }, {}] as Record<string, string>[])
      expect(told(upgradeOutcome(OFFER, carried(packages), null))).toEqual({
        state: 'upgrade',
        answer: { version: '24.10.2', packages: Object.keys(packages), upgrades: {} },
      });
  });

  test('names what the installed version knows and it does not', () => {
    const outcome = told(
      upgradeOutcome(OFFER, carried({ vim: '1' }, { gone: ['z'], unsettled: ['libold2017', 'gone'] }), BEFORE),
    );
    expect(outcome).toMatchObject({ answer: { packages: ['vim'], dropped: ['gone', 'libold2017', 'z'] } });
  });

  test('names parts of a version that upstream has no more, and refuses what is no part', () => {
    const parts = ['kmod-nf-conntrack6', 'libold', 'luci-lib-json'];
    expect(told(upgradeOutcome(OFFER, carried({}, { unsettled: parts }), null))).toMatchObject({
      answer: { dropped: parts },
    });
    expect(told(upgradeOutcome(OFFER, carried({}, { unsettled: ['zzz', 'libold', 'aaa'] }), null))).toEqual({
      state: 'unknown packages',
      names: ['aaa', 'zzz'],
    });
  });

  test('parts that the installed version does not know either are unknown', () => {
    expect(told(upgradeOutcome(OFFER, carried({}, { unsettled: ['kmod-mine', 'libmine'] }), BEFORE))).toEqual({
      state: 'unknown packages',
      names: ['kmod-mine', 'libmine'],
    });
  });

  test('of a distribution with feeds of its own may have any package', () => {
    const outcome = told(
      upgradeOutcome(
        { ...OFFER, hasOtherFeeds: true },
        carried({ vim: '1' }, { unsettled: ['lime-map', 'gone'] }),
        BEFORE,
      ),
    );
    expect(outcome).toMatchObject({ answer: { packages: ['vim', 'lime-map'], dropped: ['gone'] } });
  });
});

describe('the same version', () => {
  test('with another package is told without a version', () => {
    expect(told(upgradeOutcome(SAME, carried({ vim: '1', curl: '8', constructor: '1' }), SAME))).toEqual({
      state: 'upgrade',
      answer: { packages: ['vim', 'curl', 'constructor'], upgrades: { constructor: ['2', '1'], vim: ['2', '1'] } },
    });
  });

  test('with the same packages is nothing to do', () => {
    expect(told(upgradeOutcome(SAME, carried({ vim: '2', curl: '8', editor: '1' }), SAME))).toEqual({
      state: 'nothing to do',
    });
    expect(told(upgradeOutcome(SAME, carried({}), SAME))).toEqual({ state: 'nothing to do' });
  });

  test('of a steady package the version alone decides', () => {
    const steady = (...upgrades: string[]) => ({ steady: steadyPackages(['"curl"'], upgrades) });
    expect(told(upgradeOutcome(SAME, carried({}, steady()), SAME))).toEqual({ state: 'nothing to do' });
    expect(told(upgradeOutcome(SAME, carried({ vim: '2' }, steady('"curl":["8","7"]')), SAME))).toEqual({
      state: 'upgrade',
      answer: { packages: ['vim', 'curl'], upgrades: { curl: ['8', '7'] } },
    });
  });

  test('with a package that it has not is refused', () => {
    expect(told(upgradeOutcome(SAME, carried({}, { unsettled: ['libmine', 'zzz'] }), SAME))).toEqual({
      state: 'unknown packages',
      names: ['libmine', 'zzz'],
    });
  });
});

describe('packages', () => {
  const check = (fields: Partial<UpgradeCheck>): UpgradeCheck => ({
    distro: 'openwrt',
    version: '18.06.2',
    target: 'ath79/generic',
    revision: '',
    installed: null,
    wantsUpgrades: true,
    ...fields,
  });
  const installed = new Map([['vim', '1']]);

  it.each([
    ['given, newer version', { installed, wantsUpgrades: true }, OFFER, true],
    ['given, newer version, no upgrades wanted', { installed, wantsUpgrades: false }, OFFER, true],
    ['given, same version', { installed, wantsUpgrades: true }, null, true],
    ['given, same version, no upgrades wanted', { installed, wantsUpgrades: false }, null, false],
    ['not given, newer version', { installed: null }, OFFER, false],
    ['not given, same version', { installed: null }, null, false],
  ])('%s: matter %#', (_, fields, newer, expected) => {
    expect(comparesPackages(check(fields), newer)).toBe(expected);
  });

  it('that were not told leave the version', () => {
    expect(told(outcomeWithoutPackages(OFFER))).toEqual({
      state: 'upgrade',
      answer: { version: '24.10.2' },
    });
    expect(told(outcomeWithoutPackages(null))).toEqual({ state: 'nothing to do' });
  });
});

it('whatever is unsettled, every package of an answer is one that the version has, and none is lost without a word', () => {
  const name = fc.constantFrom('vim', 'curl', 'editor', 'kmod-usb2', 'constructor');
  const lost = fc.constantFrom('gone', 'libold', 'kmod-x', 'zzz', 'toString');
  fc.assert(
    fc.property(
      fc.uniqueArray(name),
      fc.uniqueArray(lost),
      fc.constantFrom(OFFER, SAME),
      fc.constantFrom(BEFORE, null),
      (names, unsettled, offer, before) => {
        const packages = Object.fromEntries(names.map((one) => [one, '1']));
        const outcome = told(upgradeOutcome(offer, carried(packages, { unsettled }), before));
        if (outcome.state === 'unknown packages') expect(unsettled).toEqual(expect.arrayContaining([...outcome.names]));
        if (outcome.state !== 'upgrade') return;
        const { answer } = outcome;
        expect(answer.packages?.every((one) => hasPackage(offer, one))).toBe(true);
        expect(answer.dropped ?? []).toEqual([...unsettled].sort());
        for (const [one, [next, current]] of Object.entries(answer.upgrades ?? {}))
          expect([answer.packages?.includes(one), next === current]).toEqual([true, false]);
      },
    ),
    { numRuns: 500 },
  );
});

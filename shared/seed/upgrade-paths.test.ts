import { describe, expect, it, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { type Branch, branchName, isSnapshot, OPENWRT_BRANCHES } from '../upstream/branch.ts';
import type { VersionsDocument } from '../upstream/catalogue-document.ts';
import { compareVersions } from '../upstream/version-order.ts';
import { hasTarget, upgradePaths } from './upgrade-paths.ts';

const TARGET = 'ath79/generic';

/** In the catalogue's order: releases, newest first, and snapshots behind them. */
function offering(
  versions: readonly string[],
  fields: Partial<VersionsDocument> = {},
  without: readonly string[] = [],
) {
  const releases = versions.filter((version) => !isSnapshot(version)).sort(compareVersions);
  const snapshots = versions.filter(isSnapshot).sort(compareVersions);
  const document: VersionsDocument = {
    kind: 'versions',
    versions: [...releases, ...snapshots].map((version) => ({
      version,
      branch: branchName(version) ?? '',
      targets: Object.fromEntries([without.includes(version) ? ['x86/64', 'x86_64'] : [TARGET, 'mips_24kc']]),
    })),
    stableVersion: releases.find((version) => !version.includes('-rc')) ?? '',
    oldstableVersion: '',
    upcomingVersion: '',
    fetchedAt: 1,
    checkedAt: 1,
    ...fields,
  };
  return document;
}

const UPSTREAM = ['25.12.0-rc2', '25.12.0-rc1', '24.10.2', '24.10.1', '24.10.0', '24.10.0-rc7', '23.05.6', '23.05.5'];
const SNAPSHOTS = ['SNAPSHOT', '25.12-SNAPSHOT', '24.10-SNAPSHOT', '23.05-SNAPSHOT'];

const offered = (version: string, versions: VersionsDocument, branches: readonly Branch[] = OPENWRT_BRANCHES) => {
  const { candidates, isKnown } = upgradePaths({ version, target: TARGET }, versions, branches);
  const [first] = candidates;
  return [first ? `${first.version}${first.byRevision ? ' by revision' : ''}` : null, isKnown];
};

describe('the newest version for a router that runs', () => {
  it.each<[version: string, offer: string | null]>([
    ['24.10.1', '24.10.2'],
    ['24.10.0', '24.10.2'],
    ['23.05.6', '24.10.2'],
    ['24.10.2', null],
    ['22.03.5', '24.10.2'],
    ['19.07.10', '24.10.2'],
    ['18.06.2', '24.10.2'],
    ['18.06.0-rc1', '24.10.2'],
    ['18.06-SNAPSHOT', '24.10.2'],
    ['17.01.4', '24.10.2'],
    ['24.10.0-rc7', '24.10.2'],
    ['24.10.0-rc1', '24.10.2'],
    ['25.12.0-rc1', '25.12.0-rc2'],
    ['25.12.0-rc2', null],
    ['23.05-SNAPSHOT', '24.10.2'],
    ['24.10-SNAPSHOT', '24.10-SNAPSHOT by revision'],
    ['25.12-SNAPSHOT', '25.12-SNAPSHOT by revision'],
    ['SNAPSHOT', 'SNAPSHOT by revision'],
  ])('%s is %s', (version, offer) => {
    expect(offered(version, offering([...UPSTREAM, ...SNAPSHOTS]))).toEqual([offer, true]);
  });

  it.each<[version: string, offer: string | null, isKnown: boolean]>([
    ['SNAPSHOT', '24.10.2 by revision', false],
    ['24.10-SNAPSHOT', '24.10.2 by revision', true],
    ['23.05-SNAPSHOT', '24.10.2', true],
    ['25.12-SNAPSHOT', null, false],
  ])('%s, where no snapshots are offered, is %s', (version, offer, isKnown) => {
    expect(offered(version, offering(UPSTREAM))).toEqual([offer, isKnown]);
  });

  it.each([
    ['of two digits a part comes after one', ['24.10.9', '24.10.10'], '24.10.9', '24.10.10'],
    ['that release which upstream calls upcoming is none yet', ['24.10.2', '24.10.3'], '24.10.2', null],
  ])('%s', (_, versions, version, offer) => {
    expect(offered(version, offering(versions, { upcomingVersion: '24.10.3' }))).toEqual([offer, true]);
  });

  it.each([
    ['24.10.2', '24.10.3'],
    ['25.12.0', '25.12.1'],
    ['25.12.0-rc1', '25.12.1'],
    ['23.05.0', '24.10.3'],
  ])('%s is %s where upstream calls another branch stable', (version, offer) => {
    const versions = offering(['25.12.1', '25.12.0', '24.10.3', '24.10.2'], { stableVersion: '24.10.3' });
    expect(offered(version, versions)).toEqual([offer, true]);
  });

  it('is of any branch where upstream calls none stable', () => {
    expect(offered('23.05.5', offering(['24.10.2', '23.05.5'], { stableVersion: '' }))).toEqual(['24.10.2', true]);
  });

  it('is the newest that has its target', () => {
    expect(offered('23.05.5', offering(UPSTREAM, {}, ['24.10.2', '24.10.1']))).toEqual(['24.10.0', true]);
    expect(offered('24.10.1', offering(UPSTREAM, {}, ['24.10.2']))).toEqual([null, true]);
    expect(offered('24.10-SNAPSHOT', offering([...UPSTREAM, '24.10-SNAPSHOT'], {}, ['24.10-SNAPSHOT']))).toEqual([
      '24.10.2 by revision',
      true,
    ]);
  });
});

describe('a version is unknown', () => {
  it.each(['25.12.0', '25.12.1', '99.01.0', '24.10', '24.10.2-rc', 'x', '..', 'SNAPSHOT-1', 'constructor'])(
    '%s',
    (version) => {
      expect(offered(version, offering(UPSTREAM))).toEqual([null, false]);
    },
  );
});

it('a version of a branch that is not offered is known, and nothing older is offered', () => {
  const branches = OPENWRT_BRANCHES.map((branch) => (branch.name === '25.12' ? { ...branch, enabled: false } : branch));
  expect(offered('25.12.3', offering(['24.10.2']), branches)).toEqual([null, true]);
});

test.each([
  [TARGET, true],
  ['x86/64', true],
  ['x86/65', false],
  ['constructor', false],
  ['__proto__', false],
])('some version has the target %s: %j', (target, expected) => {
  expect(hasTarget(offering(UPSTREAM, {}, ['24.10.2']), target)).toBe(expected);
});

describe('whatever upstream offers', () => {
  const year = fc.constantFrom('17.01', '18.06', '21.02', '22.03', '23.05', '24.10', '25.12');
  const release = fc.tuple(year, fc.nat(12)).map(([branch, patch]) => `${branch}.${patch}`);
  const candidate = fc.tuple(year, fc.nat(12)).map(([branch, number]) => `${branch}.0-rc${number}`);
  const snapshot = fc.oneof(
    year.map((branch) => `${branch}-SNAPSHOT`),
    fc.constant('SNAPSHOT'),
  );
  const version = fc.oneof(release, candidate, snapshot);
  const versions = fc
    .tuple(fc.uniqueArray(version, { minLength: 1, maxLength: 12 }), fc.option(release, { nil: '' }), fc.array(version))
    .map(([list, stableVersion, without]) => offering(list, { stableVersion }, without));

  it('no router is offered an older version, and no stable one a candidate or a snapshot', () => {
    fc.assert(
      fc.property(version, versions, (installed, document) => {
        for (const offer of upgradePaths({ version: installed, target: TARGET }, document, OPENWRT_BRANCHES)
          .candidates) {
          const entry = document.versions.find((one) => one.version === offer.version);
          expect(entry?.targets).toHaveProperty([TARGET]);
          if (!offer.byRevision) expect(compareVersions(offer.version, installed)).toBeLessThan(0);
          else expect(isSnapshot(installed)).toBe(true);
          if (isSnapshot(offer.version)) expect(offer.version).toBe(installed);
          if (offer.version.includes('-rc')) {
            expect(installed).toContain('-rc');
            expect(branchName(offer.version)).toBe(branchName(installed));
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('the newest comes first', () => {
    fc.assert(
      fc.property(version, versions, (installed, document) => {
        const { candidates } = upgradePaths({ version: installed, target: TARGET }, document, OPENWRT_BRANCHES);
        const byOrder = [...candidates].filter((one) => !one.byRevision).map((one) => one.version);
        expect(byOrder).toEqual([...byOrder].sort(compareVersions));
      }),
    );
  });
});

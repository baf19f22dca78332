import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { compareVersions } from './version-order.ts';

const newestFirst = [
  'SNAPSHOT',
  '9999.9999-SNAPSHOT',
  '9999.9999.999999',
  '9999.9999.1-rc999999',
  '25.12-SNAPSHOT',
  '25.12.0-rc1',
  '24.10-SNAPSHOT',
  '24.10.10',
  // Of one rank: in the order of their texts.
  '24.10.02',
  '24.10.2',
  '24.10.0',
  '24.10.0-rc11',
  '24.10.0-rc10',
  '24.10.0-rc7',
  '23.05.5',
  '3.12.0',
  '3.2.0',
  // No versions: in the order of their texts.
  '',
  '.10.1',
  '10.10000.0',
  '10000.10.0',
  '24..1',
  '24.10.',
  '24.10.0-rc1000000',
  '24.10.1-rc',
  '24.10.1000000',
  '24.10x1',
  '24x10.1',
  'unheard-of',
  'v24.10.1',
];

const anyVersion = fc.oneof(
  fc.constantFrom(...newestFirst, '24.10.01', '', '24.10', 'v24.10.1', '24.10.1-rc', '24.10.1\n'),
  fc.tuple(fc.nat(30), fc.nat(12), fc.nat(3)).map(([year, month, patch]) => `${year}.${month}.${patch}`),
  fc.tuple(fc.nat(30), fc.nat(12), fc.nat(3)).map(([year, month, rc]) => `${year}.${month}.0-rc${rc}`),
);

describe('versions', () => {
  it('are newest first, a candidate behind its release, a snapshot before its branch', () => {
    for (const [at, a] of newestFirst.entries())
      for (const [other, b] of newestFirst.entries())
        expect([a, b, Math.sign(compareVersions(a, b))]).toEqual([a, b, Math.sign(at - other)]);
  });

  it('have one total order: only equal texts are equal, turning a pair around turns the sign, and it is transitive', () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, anyVersion, (a, b, c) => {
        expect(compareVersions(a, b) === 0).toBe(a === b);
        expect(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a))).toBe(0);
        const [x, y, z] = [a, b, c].sort(compareVersions) as [string, string, string];
        expect(compareVersions(x, z)).toBeLessThanOrEqual(0);
        expect(compareVersions(x, y)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

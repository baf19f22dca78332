import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { comparePackageVersions, fulfils } from './package-version-order.ts';

test.each<[older: string, newer: string]>([
  ['1', '2'],
  ['9', '10'],
  ['1.2.9', '1.2.10'],
  ['2.90-2', '2.90-10'],
  ['2.90-2', '2.91-1'],
  ['2023-05-23-75a3b870-1', '2023-06-25-00000000-1'],
  ['1.0~rc1', '1.0'],
  ['1.0~~', '1.0~'],
  ['1.0', '1.0a'],
  ['1.0a', '1.0+b'],
  ['1.0Z', '1.0a'],
  ['1', '1-~1-0'],
  ['1', 'a1'],
  ['~1', '1'],
  ['1.0', '1:0.1'],
  ['2:9', '10:1'],
  ['1.0', '1.0-1'],
  ['5.15.167-1-81b2', '5.15.168-1-0000'],
  ['99999999999999999998', '99999999999999999999'],
])('%s is older than %s', (older, newer) => {
  expect(Math.sign(comparePackageVersions(older, newer))).toBe(-1);
  expect(Math.sign(comparePackageVersions(newer, older))).toBe(1);
});

test.each([
  ['1.0', '1.00'],
  ['1.000', '1.0'],
  ['0:1.0', '1.0'],
  ['1.0-0', '1.0'],
  ['', ''],
])('%s and %s are one version', (a, b) => {
  expect(comparePackageVersions(a, b)).toBe(0);
});

const version = fc.oneof(fc.stringMatching(/^[0-9a-b.~+:-]{0,10}$/), fc.string());

test('it is an order', () => {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      expect(Math.sign(comparePackageVersions(a, b))).toBe(-Math.sign(comparePackageVersions(b, a)) + 0);
      expect(comparePackageVersions(a, a)).toBe(0);
      const [x, y, z] = [a, b, c].sort(comparePackageVersions) as [string, string, string];
      expect(comparePackageVersions(x, z)).toBeLessThanOrEqual(0);
      expect(comparePackageVersions(x, y)).toBeLessThanOrEqual(0);
      expect(comparePackageVersions(y, z)).toBeLessThanOrEqual(0);
    }),
  );
});

test.each<[string, string, boolean | null]>([
  ['2', '<< 2', false],
  ['1', '<< 2', true],
  ['2', '< 2', true],
  ['2', '<= 2', true],
  ['3', '<= 2', false],
  ['2', '= 2', true],
  ['2', '=2', true],
  ['2', '=3', false],
  ['3', '= 2', false],
  ['10', '>= 10', true],
  ['A', '= A', true],
  ['a', '= a', true],
  ['2', '>= 2', true],
  ['2', '> 2', true],
  ['1', '> 2', false],
  ['2', '>> 2', false],
  ['3', '>> 2', true],
  ['3', '!= 2', null],
  ['3', '', null],
  ['3', '>=', null],
  ['3', '>= 1 | x', null],
])('%s with the condition "%s": %s', (version, condition, expected) => {
  expect(fulfils(version, condition)).toBe(expected);
});

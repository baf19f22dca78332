import { describe, expect, it, test } from 'vitest';
import { OPENWRT } from '../upstream/distro.ts';
import { distroNamed, neededDistro } from './distro-name.ts';

const lime = { ...OPENWRT, name: 'LiMe' };

describe('a distribution', () => {
  it.each(['openwrt', 'OpenWrt', 'OPENWRT', 'LEDE', 'lede', 'Lede'])('called %s is OpenWrt', (name) => {
    expect(distroNamed([OPENWRT, lime], name)).toBe(OPENWRT);
  });

  it.each(['lime', 'LiMe', 'LIME'])('called %s is the one that is configured as LiMe', (name) => {
    expect(distroNamed([OPENWRT, lime], name)).toBe(lime);
  });

  it.each(['', 'openwrt ', 'debian', '__proto__', 'constructor', 'lede2', 'ope\u006ewrt\n'])(
    'called %j is none',
    (name) => {
      expect(distroNamed([OPENWRT, lime], name)).toBeUndefined();
    },
  );
});

test('one that is needed is found, or refused by its name', () => {
  expect(neededDistro([OPENWRT, lime], 'Lime')).toBe(lime);
  expect(() => neededDistro([OPENWRT, lime], 'debian')).toThrow(
    expect.objectContaining({ kind: 'unsupported', detail: 'unknown distribution debian' }),
  );
});

test('of two that only their case tells apart, it is the first', () => {
  expect(distroNamed([lime, { ...lime, name: 'LIME' }], 'lime')).toBe(lime);
});

test('where an operator has a distribution of the name LEDE, it is that', () => {
  const lede = { ...OPENWRT, name: 'lede' };
  expect(distroNamed([OPENWRT, lede], 'LEDE')).toBe(lede);
});

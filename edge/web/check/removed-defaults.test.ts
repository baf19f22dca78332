import { expect, test } from 'vitest';
import { removedDefaults } from './removed-defaults.ts';

const DEFAULTS = ['base-files', 'dnsmasq', 'libustream-mbedtls', 'libc', 'ppp'];

test.each<[situation: string, installed: string[], before: string[], now: string[], removed: string[]]>([
  ['all of it is there', DEFAULTS, DEFAULTS, DEFAULTS, []],
  ['two were removed', ['base-files', 'libc', 'libustream-mbedtls'], DEFAULTS, DEFAULTS, ['dnsmasq', 'ppp']],
  [
    'a library has the version of its ABI behind its name',
    ['base-files', 'dnsmasq', 'libustream-mbedtls20201210', 'ppp'],
    DEFAULTS,
    DEFAULTS,
    [],
  ],
  ['a new default was removed by nobody', DEFAULTS, DEFAULTS, [...DEFAULTS, 'odhcpd'], []],
  ['an old default that is none any more', ['base-files'], ['base-files', 'old'], ['base-files'], []],
  ['another was put in its place', ['base-files', 'dnsmasq-full'], ['base-files', 'dnsmasq'], DEFAULTS, ['dnsmasq']],
  ['only what was added was pasted', ['vim'], DEFAULTS, DEFAULTS, []],
  ['nothing is known of the installed version', ['base-files'], [], DEFAULTS, []],
])('%s', (_, installed, before, now, removed) => {
  expect(removedDefaults(installed, before, now)).toEqual(removed);
});

import { describe, expect, it } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { proxyPath } from './proxy-path.ts';

describe('a request names a feed and a file', () => {
  it.each([
    ['/base/Packages.gz', 'opkg', { kind: 'index', id: 'base', file: 'Packages.gz' }],
    ['/base/Packages.sig', 'opkg', { kind: 'index', id: 'base', file: 'Packages.sig' }],
    ['/foreign-1/packages.adb', 'apk', { kind: 'index', id: 'foreign-1', file: 'packages.adb' }],
    [
      '/base/owut_2025.02.05~39ce6f6a-r1_x86_64.ipk',
      'opkg',
      { kind: 'package', id: 'base', file: 'owut_2025.02.05~39ce6f6a-r1_x86_64.ipk' },
    ],
    ['/base/libstdc++-1.0-r1.apk', 'apk', { kind: 'package', id: 'base', file: 'libstdc++-1.0-r1.apk' }],
  ] as const)('%s (%s)', (target, era, path) => {
    expect(proxyPath(target, '', era)).toEqual(path);
    expect(proxyPath(`/0123${target}`, '/0123', era)).toEqual(path);
    expect(proxyPath(target, '/0123', era)).toBeNull();
  });
});

describe('a request is refused for', () => {
  it.each([
    ['climbing', '/base/../secret.ipk'],
    ['climbing in code', '/base/%2e%2e/secret.ipk'],
    ['a name in code', '/base/%61.ipk'],
    ['a directory more', '/base/a/b.ipk'],
    ['a directory less', '/Packages'],
    ['an empty part', '//base/a.ipk'],
    ['another host', 'http://upstream.example/base/a.ipk'],
    ['another host without a scheme', '//upstream.example/a.ipk'],
    ['a host to connect to', 'upstream.example:443'],
    ['everything', '*'],
    ['nothing', ''],
    ['a query', '/base/a.ipk?x'],
    ['a fragment', '/base/a.ipk#x'],
    ['a name that hides', '/base/.a.ipk'],
    ['a backslash', '/base/a\\b.ipk'],
    ['a newline at the end', '/base/a.ipk\n'],
    ['a zero byte', '/base/a\0.ipk'],
    ['letters that are none of ours', '/base/ä.ipk'],
    ['a long name', `/base/${'a'.repeat(252)}.ipk`],
    ['a long feed', `/${'a'.repeat(65)}/a.ipk`],
    ['another kind of file', '/base/Packages.manifest'],
    ['a file of the other era', '/base/packages.adb'],
    ['a package of the other era', '/base/a.apk'],
    ['a feed of a prototype’s name', '/__proto__/a.ipk'],
  ])('%s', (_, target) => {
    expect(proxyPath(target, '', 'opkg')).toBeNull();
  });

  it('whatever does not read back as exactly what was asked, or holds a byte beyond the allow-list', () => {
    const piece = fc.constantFrom(
      '/',
      '..',
      '.',
      '%2f',
      '%2e',
      'base',
      'a',
      'Packages',
      '.ipk',
      '.apk',
      '.adb',
      '\\',
      '?',
      ':',
      '@',
    );
    const target = fc.oneof(
      fc.string(),
      fc.array(piece).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(target, fc.constantFrom('opkg', 'apk'), (asked, era) => {
        const path = proxyPath(asked, '', era as 'opkg' | 'apk');
        if (path === null) return;
        expect(`/${path.id}/${path.file}`).toBe(asked);
        expect(asked).toMatch(/^\/[A-Za-z0-9][A-Za-z0-9_-]*\/[A-Za-z0-9][A-Za-z0-9._+~-]*$/);
      }),
      { numRuns: 2000 },
    );
  });
});

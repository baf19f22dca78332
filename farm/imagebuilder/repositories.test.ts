import { describe, expect, test } from 'vitest';
import { proxyRepositories, type RepositoryWishes, unproxied } from './repositories.ts';
import { keyFiles } from './repository-keys.ts';

const opkg = `## Place your custom repositories here, they must match the architecture and version.
# src/gz %n %U
## Remote package repositories
src/gz openwrt_core https://downloads.openwrt.org/releases/24.10.2/targets/x86/64/packages
src/gz openwrt_base https://downloads.openwrt.org/releases/24.10.2/packages/x86_64/base
src/gz openwrt_kmods https://downloads.openwrt.org/releases/24.10.2/targets/x86/64/kmods/6.6.93-1-0123abcd

## This is the local package repository, do not remove!
src imagebuilder file:packages
option check_signature
`;
const apk = `# comment
https://downloads.openwrt.org/releases/25.12.5/targets/x86/64/packages/packages.adb
https://downloads.openwrt.org/releases/25.12.5/packages/x86_64/base/packages.adb
`;
const wishes: RepositoryWishes = {
  versionUrl: 'http://127.0.0.1:8080/m/releases/24.10.2/',
  target: 'x86/64',
  foreign: [],
  mode: 'append',
};
/** The file as if its feeds were asked directly. */
function directly(era: 'opkg' | 'apk', text: string, more: RepositoryWishes): string {
  const { feeds, textAt } = proxyRepositories(era, text, { ...more, pins: new Map() });
  return unproxied(textAt('http://127.0.0.1:1'), feeds, 'http://127.0.0.1:1');
}

const foreign = [{ name: 'mine', url: 'https://feeds.example/24.10/packages' }];

test('opkg: feeds keep their names and move to the order’s mirror, the local repository and options stay', () => {
  expect(directly('opkg', opkg, { ...wishes, foreign })).toBe(
    `src/gz openwrt_core http://127.0.0.1:8080/m/releases/24.10.2/targets/x86/64/packages
src/gz openwrt_base http://127.0.0.1:8080/m/releases/24.10.2/packages/x86_64/base
src/gz openwrt_kmods http://127.0.0.1:8080/m/releases/24.10.2/targets/x86/64/kmods/6.6.93-1-0123abcd
src/gz mine https://feeds.example/24.10/packages
src imagebuilder file:packages
option check_signature
`,
  );
});

test('opkg: replaced feeds are gone, the local repository is not', () => {
  expect(directly('opkg', opkg, { ...wishes, foreign, mode: 'replace' })).toBe(
    'src/gz mine https://feeds.example/24.10/packages\nsrc imagebuilder file:packages\noption check_signature\n',
  );
});

test('apk: one URL a line', () => {
  const more = { ...wishes, versionUrl: 'https://mirror.example/releases/25.12.5', foreign };
  expect(directly('apk', apk, more)).toBe(
    `https://mirror.example/releases/25.12.5/targets/x86/64/packages/packages.adb
https://mirror.example/releases/25.12.5/packages/x86_64/base/packages.adb
https://feeds.example/24.10/packages/packages.adb
`,
  );
  expect(directly('apk', apk, { ...more, mode: 'replace' })).toBe(
    'https://feeds.example/24.10/packages/packages.adb\n',
  );
});

test('a mirror whose own path holds "packages" is not cut in the wrong place', () => {
  const text = 'https://h.example/packages/targets/releases/25.12.5/packages/x86_64/base/packages.adb\n';
  expect(directly('apk', text, { ...wishes, versionUrl: 'https://m.example/v' })).toBe(
    'https://m.example/v/packages/x86_64/base/packages.adb\n',
  );
});

test('a feed of another target, or of a shape that nobody knows, is a fault and not passed on', () => {
  const internal = expect.objectContaining({ kind: 'internal' });
  expect(() => directly('opkg', opkg, { ...wishes, target: 'ath79/generic' })).toThrowError(internal);
  expect(() => directly('apk', 'https://elsewhere.example/x\n', wishes)).toThrowError(internal);
});

test('a foreign repository cannot take the name of a feed, nor bring a line of its own', () => {
  const bad = expect.objectContaining({ kind: 'bad_request' });
  for (const entry of [
    { name: 'openwrt_base', url: 'https://x.example/' },
    { name: 'imagebuilder', url: 'https://x.example/' },
    { name: 'a\nsrc/gz b', url: 'https://x.example/' },
    { name: 'a', url: 'https://x.example/\noption check_signature 0' },
    { name: 'a', url: 'https://x.example/ x' },
  ])
    expect(() => directly('opkg', opkg, { ...wishes, foreign: [entry] })).toThrowError(bad);
});

test('keys become files of their own, named as opkg and apk look for them', () => {
  const base64 = 'RWRTdGeIJ9XxsWn7tn+ybmaz3vuKJnlmVCVhs9gQbbfGS2qAAtjRCEpn';
  const keyId = Buffer.from(base64, 'base64').subarray(2, 10).toString('hex');
  const pem = '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----';
  expect(keyFiles([`untrusted comment: ../../evil\n${base64}`, pem])).toEqual([
    { name: keyId, content: `untrusted comment: ${keyId}\n${base64}\n` },
    { name: 'repository-1.pem', content: `${pem}\n` },
  ]);
  expect(() => keyFiles(['ssh-rsa AAAA'])).toThrowError(expect.objectContaining({ kind: 'bad_request' }));
});

describe('at the proxy', () => {
  const pins = new Map([
    ['target', 'a'.repeat(64)],
    ['kmods', 'b'.repeat(64)],
    ['mine', 'c'.repeat(64)],
    ['foreign-1', 'd'.repeat(64)],
  ]);
  const mirror = 'http://127.0.0.1:8080/m/releases/24.10.2';
  const address = 'http://127.0.0.1:8000';

  test('opkg: a feed is a directory of the door, with its pin; a foreign one is never pinned', () => {
    const { feeds, textAt } = proxyRepositories('opkg', opkg, { ...wishes, foreign, pins });
    expect(feeds).toEqual([
      { id: 'target', url: `${mirror}/targets/x86/64/packages`, pin: 'a'.repeat(64), isForeign: false },
      { id: 'base', url: `${mirror}/packages/x86_64/base`, pin: null, isForeign: false },
      { id: 'kmods', url: `${mirror}/targets/x86/64/kmods/6.6.93-1-0123abcd`, pin: 'b'.repeat(64), isForeign: false },
      { id: 'foreign-1', url: 'https://feeds.example/24.10/packages', pin: null, isForeign: true },
    ]);
    expect(textAt(address)).toBe(
      `src/gz openwrt_core ${address}/target
src/gz openwrt_base ${address}/base
src/gz openwrt_kmods ${address}/kmods
src/gz mine ${address}/foreign-1
src imagebuilder file:packages
option check_signature
`,
    );
  });

  test('apk: each line names an index; a foreign repository may be named by its directory', () => {
    const two = [
      { name: 'one', url: 'https://feeds.example/25.12/packages.adb' },
      { name: 'two', url: 'https://feeds.example/other/' },
    ];
    const { feeds, textAt } = proxyRepositories('apk', apk, { ...wishes, foreign: two, pins });
    expect(feeds.map(({ id, url, isForeign }) => [id, url, isForeign])).toEqual([
      ['target', `${mirror}/targets/x86/64/packages`, false],
      ['base', `${mirror}/packages/x86_64/base`, false],
      ['foreign-1', 'https://feeds.example/25.12', true],
      ['foreign-2', 'https://feeds.example/other', true],
    ]);
    expect(textAt(`${address}/0123`).split('\n')).toEqual([
      `${address}/0123/target/packages.adb`,
      `${address}/0123/base/packages.adb`,
      `${address}/0123/foreign-1/packages.adb`,
      `${address}/0123/foreign-2/packages.adb`,
      '',
    ]);
    const odd = [{ name: 'odd', url: 'https://feeds.example/my.adb' }];
    expect(() => proxyRepositories('apk', apk, { ...wishes, foreign: odd, pins })).toThrowError(
      expect.objectContaining({ kind: 'bad_request' }),
    );
  });

  test('replaced feeds are not at the door either', () => {
    const { feeds } = proxyRepositories('opkg', opkg, { ...wishes, foreign, mode: 'replace', pins });
    expect(feeds.map(({ id }) => id)).toEqual(['foreign-1']);
  });

  test.each([
    ['two feeds of one name', 'https://h/packages/x86_64/base', 'https://h/packages/other/base'],
    ['a name that climbs', 'https://h/packages/x86_64/base', 'https://h/packages/x86_64/..'],
  ])('%s are no file that we know', (_, one, other) => {
    const text = `${one}/packages.adb\n${other}/packages.adb\n`;
    expect(() => proxyRepositories('apk', text, { ...wishes, pins })).toThrowError(
      expect.objectContaining({ kind: 'internal' }),
    );
  });

  test('what make printed names upstream again, whole ids only, and never the door', () => {
    const { feeds } = proxyRepositories('opkg', opkg, { ...wishes, foreign, pins });
    const door = `${address}/0123`;
    const printed = `wget ${door}/base/Packages.gz\n${door}/base-files/x ${door}/foreign-1/a.ipk, ${door}/target\n${door}`;
    expect(unproxied(printed, feeds, door)).toBe(
      `wget ${mirror}/packages/x86_64/base/Packages.gz\npackage proxy: base-files/x https://feeds.example/24.10/packages/a.ipk, ${mirror}/targets/x86/64/packages\npackage proxy`,
    );
  });
});

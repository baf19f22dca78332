import { expect, test } from 'vitest';
import { type RepositoryWishes, rewriteRepositories } from './repositories.ts';
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
const foreign = [{ name: 'mine', url: 'https://feeds.example/24.10/packages' }];

test('opkg: feeds keep their names and move to the order’s mirror, the local repository and options stay', () => {
  expect(rewriteRepositories('opkg', opkg, { ...wishes, foreign })).toBe(
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
  expect(rewriteRepositories('opkg', opkg, { ...wishes, foreign, mode: 'replace' })).toBe(
    'src/gz mine https://feeds.example/24.10/packages\nsrc imagebuilder file:packages\noption check_signature\n',
  );
});

test('apk: one URL a line', () => {
  const more = { ...wishes, versionUrl: 'https://mirror.example/releases/25.12.5', foreign };
  expect(rewriteRepositories('apk', apk, more)).toBe(
    `https://mirror.example/releases/25.12.5/targets/x86/64/packages/packages.adb
https://mirror.example/releases/25.12.5/packages/x86_64/base/packages.adb
https://feeds.example/24.10/packages
`,
  );
  expect(rewriteRepositories('apk', apk, { ...more, mode: 'replace' })).toBe('https://feeds.example/24.10/packages\n');
});

test('a mirror whose own path holds "packages" is not cut in the wrong place', () => {
  const text = 'https://h.example/packages/targets/releases/25.12.5/packages/x86_64/base/packages.adb\n';
  expect(rewriteRepositories('apk', text, { ...wishes, versionUrl: 'https://m.example/v' })).toBe(
    'https://m.example/v/packages/x86_64/base/packages.adb\n',
  );
});

test('a feed of another target, or of a shape that nobody knows, is a fault and not passed on', () => {
  const internal = expect.objectContaining({ kind: 'internal' });
  expect(() => rewriteRepositories('opkg', opkg, { ...wishes, target: 'ath79/generic' })).toThrowError(internal);
  expect(() => rewriteRepositories('apk', 'https://elsewhere.example/x\n', wishes)).toThrowError(internal);
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
    expect(() => rewriteRepositories('opkg', opkg, { ...wishes, foreign: [entry] })).toThrowError(bad);
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

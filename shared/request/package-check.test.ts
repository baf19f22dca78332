import { describe, expect, it, test } from 'vitest';
import { archDocument, targetDocument } from '../upstream/upstream.fixture.ts';
import { checkPackagesExist, unknownPackages } from './package-check.ts';

const target = targetDocument({
  packages: { 'base-files': '1638', 'kmod-ath10k-ct': '6.6.93-r1' },
  provides: ['kmod-ath10k'],
  providesKnown: true,
});
const arch = archDocument({
  packages: { vim: '9.1', curl: '8.1', libubox: '2024' },
  provides: ['editor', 'libubox20240329'],
  providesKnown: true,
});
const asking = (addPackages: string[], repositories: string[] = []) => ({ addPackages, repositories });

describe('a package that is asked for', () => {
  it.each([
    ['of a feed', 'vim'],
    ['of the target', 'base-files'],
    ['that a package of a feed provides', 'editor'],
    ['that a kernel module provides', 'kmod-ath10k'],
    ['with its ABI in the name', 'libubox20240329'],
  ])('%s is not unknown', (_, name) => {
    expect(unknownPackages(asking([name]), target, arch)).toEqual([]);
  });

  it.each(['vimm', 'constructor', '__proto__', 'libubox2024032', 'kmod'])('called %s is unknown', (name) => {
    expect(unknownPackages(asking(['curl', name]), target, arch)).toEqual([name]);
  });
});

describe('nothing is said', () => {
  it.each([
    ['where a foreign feed may have it', asking(['no-such'], ['mine https://feeds.example/x/']), target, arch],
    ['where the target’s index lists no provides', asking(['no-such']), { ...target, providesKnown: false }, arch],
    ['where a feed’s index lists none', asking(['no-such']), target, { ...arch, providesKnown: false }],
    ['of what is to be removed', { ...asking([]), removePackages: ['no-such'] }, target, arch],
  ])('%s', (_, request, targetDoc, archDoc) => {
    expect(unknownPackages(request, targetDoc, archDoc)).toEqual([]);
    expect(() => checkPackagesExist(request, targetDoc, archDoc)).not.toThrow();
  });
});

test('what is unknown is told as a build would have told it', () => {
  expect(() => checkPackagesExist(asking(['a-typo', 'curl', 'zzz']), target, arch)).toThrow(
    expect.objectContaining({
      kind: 'unknown_package',
      detail: 'Error: Impossible package selection: missing (a-typo, zzz)',
    }),
  );
});

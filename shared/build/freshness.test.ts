import { describe, expect, it, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { archDocument, targetDocument } from '../upstream/upstream.fixture.ts';
import { indexedVersion, isFresh, unindexedNames, upstreamDigest } from './freshness.ts';

const target = targetDocument();
const arch = archDocument();
const record = {
  manifest: { 'base-files': '1638', dnsmasq: '2.90-r3', vim: '9.1', local: '1', 'kmod-ath10k-ct': '6.6.93-r1' },
  unindexed: ['local'],
  pins: { revision: 'r1', imageBuilder: { url: 'x', sha256: target.imageBuilder.sha256 }, feeds: [] },
};

describe('an image', () => {
  it.each([
    ['while nothing has changed', target, arch, true],
    ['under another ImageBuilder', targetDocument({ imageBuilder: { path: '', sha256: 'f'.repeat(64) } }), arch, false],
    ['when an unrelated package moves', target, archDocument({ packages: { ...arch.packages, curl: '9' } }), true],
    ['when an unrelated package goes', target, archDocument({ packages: { dnsmasq: '2.90-r3', vim: '9.1' } }), true],
    ['when one of its packages moves', target, archDocument({ packages: { ...arch.packages, vim: '9.2' } }), false],
    ['when one of its packages goes', target, archDocument({ packages: { dnsmasq: '2.90-r3' } }), false],
    [
      'when a package of the target moves',
      targetDocument({ packages: { ...target.packages, 'base-files': '1639' } }),
      arch,
      false,
    ],
    [
      'when a feed gets another version of what the target has itself',
      target,
      archDocument({ packages: { ...arch.packages, 'base-files': '9' } }),
      true,
    ],
    [
      'when upstream begins to list what it did not know',
      target,
      archDocument({ packages: { ...arch.packages, local: '2' } }),
      true,
    ],
    ['after another revision of the same packages', targetDocument({ versionCode: 'r2' }), arch, true],
  ])('%s', (_, nowTarget, nowArch, fresh) => {
    expect(isFresh(record, nowTarget, nowArch)).toBe(fresh);
  });

  it('of packages with names of the language is judged like any other', () => {
    const odd = { ...record, manifest: { constructor: '1' }, unindexed: [] };
    expect(isFresh(odd, target, arch)).toBe(false);
    expect(indexedVersion('constructor', target, arch)).toBeUndefined();
    expect(isFresh(odd, target, archDocument({ packages: { constructor: '1' } }))).toBe(true);
  });

  const index = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom('1', '2'));

  it('does not care for any package outside its manifest, and for the version of each one in it', () => {
    fc.assert(
      fc.property(index, index, index, fc.constantFrom('a', 'b', 'c', 'd', 'e'), (own, feeds, manifest, moved) => {
        const before = { target: targetDocument({ packages: own }), arch: archDocument({ packages: feeds }) };
        const image = { ...record, manifest, unindexed: unindexedNames(manifest, before.target, before.arch) };
        const was = isFresh(image, before.target, before.arch);
        const other = archDocument({ packages: { ...feeds, [moved]: 'moved' } });
        const matters =
          Object.hasOwn(manifest, moved) && !image.unindexed.includes(moved) && !Object.hasOwn(own, moved);
        expect(isFresh(image, before.target, other)).toBe(was && !matters);
      }),
    );
  });

  it('is fresh right after it was published with what upstream had', () => {
    fc.assert(
      fc.property(index, index, (own, feeds) => {
        const documents = [targetDocument({ packages: own }), archDocument({ packages: feeds })] as const;
        const manifest = { ...feeds, ...own, local: '1' };
        expect(isFresh({ ...record, manifest, unindexed: unindexedNames(manifest, ...documents) }, ...documents)).toBe(
          true,
        );
      }),
    );
  });
});

describe('packages that are not from the indexes', () => {
  const manifest = { vim: '9.1', curl: '9', local: '1', 'base-files': '1638' };
  it.each([
    ['upstream only', ['local']],
    ['foreign too', ['curl', 'local']],
  ] as const)('are, with feeds that are %s, %j', (feeds, names) => {
    expect(unindexedNames(manifest, target, arch, feeds)).toEqual(names);
  });
});

test('the digest of upstream changes with each part that a build depends on, and with nothing else', () => {
  const digest = upstreamDigest(target, arch);
  const others = [
    upstreamDigest(targetDocument({ packagesDigest: '1'.repeat(64) }), arch),
    upstreamDigest(targetDocument({ imageBuilder: { path: '', sha256: '1'.repeat(64) } }), arch),
    upstreamDigest(target, archDocument({ packagesDigest: '1'.repeat(64) })),
  ];
  expect(new Set([digest, ...others]).size).toBe(4);
  expect(upstreamDigest(targetDocument({ checkedAt: 9, fetchedAt: 9 }), archDocument({ checkedAt: 9 }))).toBe(digest);
});

/**
 * The document of one architecture: the packages of all its feeds. Upstream lists these indexes in no signed `sha256sums`.
 * They are hints, for early answers and for freshness; what is installed is checked by the ImageBuilder against its keys.
 */
import { versionPath } from '../../shared/branch.ts';
import type { ArchDocument } from '../../shared/catalogue-document.ts';
import { mergePackages, packagesDigest, packagesRecord, parseFeedsConf } from '../../shared/feed.ts';
import { readIndex } from './read-index.ts';
import { parsed, type Reading, UpstreamTrouble } from './reading.ts';

/**
 * Null: upstream has no such architecture (yet).
 *
 * A feed of `feeds.conf` without an index is left out where it never had one: some feeds build nothing for an architecture, and
 * waiting for them would be for ever. It is looked for again at each refresh. A feed that was there and is not any more is
 * trouble: every package of it would turn into "no such package". `base` is always there.
 * @throws UpstreamTrouble
 */
export async function compileArch(
  reading: Reading,
  wanted: { readonly version: string; readonly arch: string },
  previous: ArchDocument | null,
  now: number,
): Promise<ArchDocument | null> {
  const { version, arch } = wanted;
  const base = `${versionPath(version)}/packages/${arch}`;
  const feedsConf = await reading.read(`${base}/feeds.conf`);
  if (!feedsConf) return null;
  const names = parsed(`${base}/feeds.conf`, () => parseFeedsConf(feedsConf.text));
  const mandatory = new Set(['base', ...(previous?.feeds.map((feed) => feed.name) ?? [])]);
  const read = await Promise.all(
    names.map(async (name) => {
      const index = await readIndex(reading, base, name, null);
      if (!index && mandatory.has(name))
        throw new UpstreamTrouble(`${base}/${name}: has neither index.json nor Packages`);
      return index && { name, index };
    }),
  );
  const feeds = read.filter((feed) => feed !== null);
  const merged = parsed(base, () => mergePackages(feeds.map((feed) => feed.index)));
  return {
    kind: 'arch',
    version,
    arch,
    feeds: feeds.map(({ name, index }) => ({ name, sha256: index.sha256 })),
    packages: packagesRecord(merged),
    packagesDigest: await packagesDigest(merged),
    fetchedAt: now,
    checkedAt: now,
  };
}

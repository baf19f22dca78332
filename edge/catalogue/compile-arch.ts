/**
 * The document of one architecture: the packages of all its feeds. Upstream lists these indexes in no signed `sha256sums`.
 * They are hints, for early answers and for freshness; what is installed is checked by the ImageBuilder against its keys.
 */
import { versionPath } from '../../shared/upstream/branch.ts';
import type { ArchDocument } from '../../shared/upstream/catalogue-document.ts';
import { mergeIndexes, packageList, parseFeedsConf } from '../../shared/upstream/feed.ts';
import { readIndex } from './read-index.ts';
import { parsed, type Reading, UpstreamTrouble } from './reading.ts';

/**
 * Null: upstream has no such architecture (yet).
 *
 * A feed of `feeds.conf` without an index is left out where it never had one: some feeds build nothing for an architecture, and
 * waiting for them would be for ever. It is looked for again at each refresh, and until then nobody is sure which names exist.
 * A feed that was there and is not any more is trouble: every package of it would turn into "no such package". One that
 * `feeds.conf` has lost is kept for as long as it is there, since nothing says whether that file is whole. `base` is always
 * there, and tells by its form whether the others have a `Packages`: one question less a feed and refresh.
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
  const listed = parsed(`${base}/feeds.conf`, () => parseFeedsConf(feedsConf.text));
  const first = await readIndex(reading, base, 'base', null);
  if (!first) throw missing(`${base}/base`);
  const before = new Set(previous?.feeds.map((feed) => feed.name));
  const read = await Promise.all(
    [...new Set([...listed, ...before])].map(async (name) => {
      if (name === 'base') return { name, index: first };
      const index = await readIndex(reading, base, name, null, first.file === 'Packages' ? undefined : ['index.json']);
      if (!index && before.has(name) && listed.includes(name)) throw missing(`${base}/${name}`);
      return index && { name, index };
    }),
  );
  const feeds = read.filter((feed) => feed !== null);
  const merged = parsed(base, () => mergeIndexes(feeds.map((feed) => feed.index)));
  const isWhole = listed.length > 1 && listed.every((name) => feeds.some((feed) => feed.name === name));
  return {
    kind: 'arch',
    version,
    arch,
    feeds: feeds.map(({ name, index }) => ({ name, sha256: index.sha256 })),
    ...(await packageList(isWhole ? merged : { ...merged, provides: null })),
    fetchedAt: now,
    checkedAt: now,
  };
}

const missing = (feed: string): UpstreamTrouble =>
  new UpstreamTrouble(`${feed}: has no package index, or an empty one`);

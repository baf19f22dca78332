/**
 * The whole mirror as a pure function of its state: paths and bytes in the layout of downloads.openwrt.org. Generating
 * and changing a mirror are then one and the same thing, writing the files whose bytes differ.
 */
import { createHash } from 'node:crypto';
import { signUsign, type UsignKeyPair } from '../../shared/crypto/usign.ts';
import { demoPackages, feedPath, revisionOf } from './demo-package.ts';
import { type Files, feedFiles } from './feed-files.ts';
import { imageBuilderTarball } from './imagebuilder-tarball.ts';
import { initialState, type MirrorState, stateFile, targetsOf } from './mirror-state.ts';
import type { FeedName } from './packages-table.ts';
import { imagePrefix, mirrorProfilesJson, stockImages } from './profiles-json.ts';
import { archFeeds, type ReleaseRow, releasesTable, type TargetRow } from './releases-table.ts';

/** Paths relative to the mirror's root. */
export async function mirrorFiles(state: MirrorState, key: UsignKeyPair): Promise<Files> {
  const files: Files = new Map();
  for (const release of releasesTable) {
    for (const target of targetsOf(state)) await addTarget(files, release, target, state, key);
    addReleaseDocuments(files, release, targetsOf(state));
  }
  files.set('.versions.json', json(versionsDocument()));
  files.set(stateFile, json(state));
  return files;
}

async function addTarget(files: Files, release: ReleaseRow, target: TargetRow, state: MirrorState, key: UsignKeyPair) {
  const packages = demoPackages(release, target, state);
  const ofFeed = (feed: FeedName) =>
    feedFiles(
      packages.filter((pack) => pack.feed === feed),
      release,
      key,
    );

  for (const feed of archFeeds) add(files, `${release.path}/${feedPath(feed, release, target)}`, await ofFeed(feed));
  const feeds = Buffer.from(feedsConf(release));
  files.set(`${release.path}/packages/${target.arch}/feeds.conf`, feeds);

  const inTarget: Files = new Map();
  const relative = (feed: FeedName) => feedPath(feed, release, target).replace(`targets/${target.target}/`, '');
  add(inTarget, relative('core'), await ofFeed('core'));
  add(inTarget, relative('kmods'), await ofFeed('kmods'));
  inTarget.set('config.buildinfo', Buffer.from(`CONFIG_TARGET_${target.target.replace('/', '_')}=y\n`));
  inTarget.set('feeds.buildinfo', feeds);
  inTarget.set('version.buildinfo', Buffer.from(`${revisionOf(release, state).code}\n`));
  inTarget.set('profiles.json', Buffer.from(mirrorProfilesJson(release, target, state)));
  const manifest = packages.filter(({ feed }) => feed === 'core').map(({ name, version }) => `${name} - ${version}\n`);
  inTarget.set(`${imagePrefix(release, target)}.manifest`, Buffer.from(manifest.toSorted().join('')));
  for (const profile of target.profiles)
    for (const image of stockImages(release, target, profile)) inTarget.set(image.name, image.bytes);
  // What an ImageBuilder carries is as old as itself: updates of the feed do not reach into it.
  const asReleased = demoPackages(release, target, { ...state, packageUpdates: initialState.packageUpdates });
  const tarball = await imageBuilderTarball({ release, target, packages: asReleased, key, state });
  inTarget.set(tarball.name, tarball.bytes);

  const sums = [...inTarget.keys()].toSorted().map((path) => `${sha256(inTarget.get(path))} *${path}\n`);
  const sha256sums = Buffer.from(sums.join(''));
  inTarget.set('sha256sums', sha256sums);
  inTarget.set('sha256sums.sig', Buffer.from(await signUsign(sha256sums, key)));
  add(files, `${release.path}/targets/${target.target}`, inTarget);
}

function addReleaseDocuments(files: Files, release: ReleaseRow, targets: readonly TargetRow[]) {
  const architectures = Object.fromEntries(targets.map(({ target, arch }) => [target, arch]));
  const profiles = targets.flatMap(({ target, profiles }) =>
    profiles.map(({ id, title }) => ({ id, target, titles: [title] })),
  );
  files.set(`${release.path}/.targets.json`, json(architectures));
  const overview = { release: release.version, profiles, arch_packages: architectures };
  files.set(`${release.path}/.overview.json`, json(overview));
}

function versionsDocument() {
  const versions = releasesTable.map(({ version }) => version).filter((version) => version !== 'SNAPSHOT');
  const [stable, oldstable] = versions.toReversed();
  return {
    stable_version: stable,
    oldstable_version: oldstable,
    upcoming_version: '',
    versions_list: versions.toReversed(),
  };
}

/** Where upstream's feeds were taken from; the commits are derived, not real. */
function feedsConf(release: ReleaseRow): string {
  const line = (feed: string) => {
    const commit = createHash('sha1').update(`${feed} ${release.version}`).digest('hex');
    return `src-git-full ${feed} https://git.openwrt.org/feed/${feed}.git^${commit}\n`;
  };
  return ['packages', 'luci', 'routing', 'telephony'].map(line).join('');
}

function add(files: Files, directory: string, added: Files) {
  for (const [name, bytes] of added) files.set(`${directory}/${name}`, bytes);
}

function json(document: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

function sha256(bytes: Uint8Array | undefined): string {
  return createHash('sha256')
    .update(bytes ?? Buffer.of())
    .digest('hex');
}

/** The document of all versions, from `.versions.json` and each version's `.targets.json`. */
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import { branchName, findBranch, versionPath } from '../../shared/upstream/branch.ts';
import type { VersionEntry, VersionsDocument } from '../../shared/upstream/catalogue-document.ts';
import { parseTargetsJson, parseVersionsJson, snapshotsOf } from '../../shared/upstream/upstream-versions.ts';
import { parsed, type Reading, UpstreamTrouble } from './reading.ts';

/**
 * One version in trouble does not take the others down: it keeps what was known of it, and a version that was not known
 * yet waits until it can be read. Only with nothing known at all is the whole in trouble, since to leave a version out
 * would then be to say that it does not exist.
 * @throws UpstreamTrouble
 */
export async function compileVersions(
  reading: Reading,
  settings: Pick<EdgeSettings, 'BRANCHES'>,
  previous: VersionsDocument | null,
  now: number,
): Promise<VersionsDocument> {
  const list = await reading.read('.versions.json');
  // A mirror has this file: without it, this is no mirror, and that says nothing about any version.
  if (!list)
    throw new UpstreamTrouble('.versions.json: is not there; is UPSTREAM_URL a mirror of downloads.openwrt.org?');
  const upstream = parsed('.versions.json', () => parseVersionsJson(list.text));
  const releases = upstream.releases.filter((version) => findBranch(settings.BRANCHES, version));
  const entries = await Promise.all([
    ...releases.map((version) => readEntry(reading, version, 'listed', previous)),
    ...snapshotsOf(settings.BRANCHES).map((version) => readEntry(reading, version, 'perhaps', previous)),
  ]);
  const versions = entries.filter((entry) => entry !== null);
  const offered = (version: string): string => (versions.some((entry) => entry.version === version) ? version : '');
  return {
    kind: 'versions',
    versions,
    stableVersion: offered(upstream.stable),
    oldstableVersion: offered(upstream.oldstable),
    upcomingVersion: offered(upstream.upcoming),
    fetchedAt: now,
    checkedAt: now,
  };
}

/** `listed` versions are there even before their targets are; a snapshot is there when it has targets. */
async function readEntry(
  reading: Reading,
  version: string,
  existence: 'listed' | 'perhaps',
  previous: VersionsDocument | null,
): Promise<VersionEntry | null> {
  const path = `${versionPath(version)}/.targets.json`;
  try {
    const file = await reading.read(path);
    if (!file && existence === 'perhaps') return null;
    const targets = file ? parsed(path, () => parseTargetsJson(file.text)) : {};
    return { version, branch: branchName(version) as string, targets };
  } catch (error) {
    if (!(error instanceof UpstreamTrouble) || !previous) throw error;
    return previous.versions.find((entry) => entry.version === version) ?? null;
  }
}

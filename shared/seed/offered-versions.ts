/**
 * What there is to be had, as pages of 2018 and 2019 list it: distributions, and their versions in words. A distribution stands
 * on OpenWrt's versions (distro.ts), so each of them has the same ones.
 */
import type { AnswerOf } from '../api/answer-of.ts';
import type { seedDistributionsSchema, seedDistrosSchema, seedVersionsSchema } from '../api/seed-data-answers.ts';
import { isSnapshot } from '../upstream/branch.ts';
import type { VersionsDocument } from '../upstream/catalogue-document.ts';
import type { Distro } from '../upstream/distro.ts';
import { compareVersions } from '../upstream/version-order.ts';

/** What a configuration says nothing about is called by its name. */
export const distroAlias = ({ name, alias = name }: Pick<Distro, 'name' | 'alias'>): string => alias;

export const versionAlias = (version: string): string => (version === 'SNAPSHOT' ? 'snapshot' : version);

/** What a page selects at first: upstream's stable version, or else the newest release. */
export function latestVersion(versions: VersionsDocument): string {
  if (versions.stableVersion !== '') return versions.stableVersion;
  const newest = newestFirst(versions);
  return newest.find((version) => !isSnapshot(version)) ?? newest[0] ?? '';
}

/** Rows in the order in which they are tried. */
const DESCRIPTIONS: readonly {
  readonly of: (version: string, versions: VersionsDocument) => boolean;
  readonly text: string;
}[] = [
  { of: (version) => version === 'SNAPSHOT', text: 'Development version, untested, changes every day' },
  { of: isSnapshot, text: 'What the next release of this branch will be, changes every day' },
  { of: (version) => version.includes('-rc'), text: 'Release candidate, for tests' },
  { of: (version, { stableVersion }) => version === stableVersion, text: 'Current stable release' },
  { of: (version, { oldstableVersion }) => version === oldstableVersion, text: 'Last release of the previous branch' },
];

const versionDescription = (version: string, versions: VersionsDocument): string =>
  DESCRIPTIONS.find((row) => row.of(version, versions))?.text ?? 'Earlier release';

const newestFirst = ({ versions }: VersionsDocument): readonly string[] =>
  versions.map(({ version }) => version).sort(compareVersions);

export const offeredDistros = (
  distros: readonly Distro[],
  versions: VersionsDocument,
): AnswerOf<typeof seedDistrosSchema> =>
  distros.map((distro) => ({
    name: distro.name,
    alias: distroAlias(distro),
    latest: latestVersion(versions),
    description: distro.description ?? '',
  }));

export const offeredDistributions = (
  distros: readonly Distro[],
  versions: VersionsDocument,
): AnswerOf<typeof seedDistributionsSchema> =>
  Object.fromEntries(
    distros.map((distro) => [
      distro.name,
      {
        distro_alias: distroAlias(distro),
        latest: latestVersion(versions),
        distro_description: distro.description ?? '',
        versions: Object.fromEntries(
          newestFirst(versions).map((version) => [
            version,
            { version_description: versionDescription(version, versions) },
          ]),
        ),
      },
    ]),
  );

/** Newest first, whichever distribution it is of. */
export const offeredVersions = (
  distros: readonly Distro[],
  versions: VersionsDocument,
): AnswerOf<typeof seedVersionsSchema> =>
  newestFirst(versions).flatMap((version) =>
    distros.map(({ name }) => ({
      distro: name,
      version,
      alias: versionAlias(version),
      description: versionDescription(version, versions),
      snapshots: isSnapshot(version),
    })),
  );

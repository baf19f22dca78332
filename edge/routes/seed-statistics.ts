/**
 * The numbers of 2018 and 2019 below `/api/v1/stats/`, from the same counters as all others and told by the same rules: what hardly
 * anybody asked for is not named, and nothing of an image with `defaults` is in any of them.
 */
import { Hono } from 'hono';
import type {
  SeedImageNumbers,
  SeedImageStats,
  SeedLatestFailures,
  SeedLatestImages,
  SeedPackageCount,
  SeedPopularPackages,
  SeedPopularTargets,
} from '../../shared/api/seed-data-answers.ts';
import { subtargetOf } from '../../shared/seed/image-facts.ts';
import { distroAlias, latestVersion, versionAlias } from '../../shared/seed/offered-versions.ts';
import { isSnapshot } from '../../shared/upstream/branch.ts';
import type { VersionsDocument } from '../../shared/upstream/catalogue-document.ts';
import { type Distro, findDistro, OPENWRT } from '../../shared/upstream/distro.ts';
import type { EdgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { jsonAnswer } from '../http/answer.ts';
import { keptText, knownOrNull, metadataAnswer, versionsOf } from '../http/metadata-answer.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { visitOf } from '../limits/visit.ts';
import { type SeedApp, seedGet } from '../seed/seed-get.ts';
import { askForeman } from '../statistics/ask-foreman.ts';
import type { NumberedImage } from '../statistics/listed-image.ts';
import type { StatisticsAnswers } from '../statistics/questions.ts';

const AT_MOST = 50;
const HEADERS = { 'cache-control': CACHE_CONTROL.statistics };

export const seedStatisticsRoutes = new Hono<{ Bindings: Env }>();

/** A list or a set of numbers that is made from one answer of the Foreman. */
function counted<About extends keyof StatisticsAnswers>(
  path: string,
  about: About,
  shown: (answer: StatisticsAnswers[About], distros: readonly Distro[]) => unknown,
): void {
  seedGet(seedStatisticsRoutes, `/api/v1/stats/${path}`, async (c: SeedApp, context: EdgeContext) => {
    const answer = await askForeman(context, visitOf(context, c.req.raw), { about });
    return jsonAnswer(200, shown(answer, context.config.DISTROS), HEADERS);
  });
}

counted(
  'popular_packages',
  'packages',
  (packages): SeedPopularPackages => packages.slice(0, AT_MOST).map(({ name, n }) => ({ name, count: n })),
);

counted(
  'popular_targets',
  'targets',
  (targets): SeedPopularTargets =>
    targets
      .slice(0, AT_MOST)
      .map(({ name, n, buildSeconds }) => ({ target: name, count: n, build_seconds: buildSeconds })),
);

counted('images', 'images', imageNumbers);

counted('image_stats', 'images', (images, distros): SeedImageStats => {
  const numbers = imageNumbers(images, distros);
  return { ...numbers, requested: numbers.queued };
});

counted(
  'images_latest',
  'images',
  ({ latest }, distros): SeedLatestImages => latest.slice(0, AT_MOST).map((image) => imageRow(image, distros)),
);

counted(
  'fails_latest',
  'errors',
  (failures, distros): SeedLatestFailures =>
    failures.slice(0, AT_MOST).map(({ distro = OPENWRT.name, version, target, profile, kind, detail, at }) => ({
      ...namesOf({ distro, version, target }, distros),
      profile,
      model: profile,
      request_status: kind,
      error: detail,
      request_date: new Date(at).toISOString(),
    })),
);

/** Those that were removed since (docs/garbage.md) are counted as stored: nobody keeps a number of public images alone. */
function imageNumbers(
  { built, waiting, latest }: StatisticsAnswers['images'],
  distros: readonly Distro[],
): SeedImageNumbers {
  const [last] = latest;
  return { total: built, stored: built, queued: waiting, last: last ? imageRow(last, distros) : null };
}

function imageRow(image: NumberedImage, distros: readonly Distro[]): SeedLatestImages[number] {
  return {
    image_id: image.sequence,
    image_hash: image.imageHash,
    ...namesOf(image, distros),
    profile: image.profile,
    model: image.model,
    manifest_hash: image.manifestHash,
    build_date: new Date(image.builtAt).toISOString(),
    build_seconds: image.buildSeconds,
    snapshots: isSnapshot(image.version),
  };
}

const namesOf = (
  { distro, version, target }: Pick<NumberedImage, 'distro' | 'version' | 'target'>,
  distros: readonly Distro[],
) => ({
  distro,
  distro_alias: distroAlias(findDistro(distros, distro) ?? { name: distro }),
  version,
  version_alias: versionAlias(version),
  target,
  subtarget: subtargetOf(target),
});

/**
 * Packages that are known: those of all feeds for the architecture of most targets of the latest version. One document that is in
 * memory wherever routers ask, and a number that does not change with who asked for what before.
 */
seedGet(seedStatisticsRoutes, '/api/v1/stats/packages', async (c, { catalogue }) => {
  const versions = await versionsOf(catalogue);
  const version = latestVersion(versions);
  const arch = mostUsedArch(versions, version);
  const document = arch === null ? null : knownOrNull(await catalogue.arch(version, arch));
  const answer = (): SeedPackageCount => ({ count: Object.keys(document?.packages ?? {}).length });
  return metadataAnswer(c, await keptText(document?.packages ?? versions.versions, 'seed package count', answer));
});

/** Of two with as many targets, the first by name. Null: the version has no targets yet. */
function mostUsedArch({ versions }: VersionsDocument, version: string): string | null {
  const targets = versions.find((entry) => entry.version === version)?.targets ?? {};
  const uses = new Map<string, number>();
  for (const arch of Object.values(targets)) uses.set(arch, (uses.get(arch) ?? 0) + 1);
  const [most] = [...uses].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return most?.[0] ?? null;
}

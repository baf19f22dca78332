/**
 * What there is to be had, as pages of 2018 and 2019 ask for it: distributions, versions, devices by a part of their name, and the
 * packages that a device has by default. Made from the catalogue alone.
 */
import { Hono } from 'hono';
import type { SeedModels, SeedPackages } from '../../shared/api/seed-data-answers.ts';
import { BuildError, refuseField } from '../../shared/build/build-error.ts';
import { resolveBoard } from '../../shared/seed/board.ts';
import { defaultPackages } from '../../shared/seed/default-packages.ts';
import { neededDistro } from '../../shared/seed/distro-name.ts';
import { subtargetOf } from '../../shared/seed/image-facts.ts';
import { offeredDistributions, offeredDistros, offeredVersions } from '../../shared/seed/offered-versions.ts';
import { searchModels } from '../../shared/seed/search-models.ts';
import { findBranch } from '../../shared/upstream/branch.ts';
import type { TargetDocument, VersionsDocument } from '../../shared/upstream/catalogue-document.ts';
import type { EdgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { keptText, knownOrNull, metadataAnswer, taggedText, versionsOf } from '../http/metadata-answer.ts';
import { neededParameter, parameter } from '../seed/query.ts';
import { type SeedApp, seedGet } from '../seed/seed-get.ts';

/** More than anybody reads: who sees so many types one letter more. */
const MAX_MODELS = 100;

export const seedListRoutes = new Hono<{ Bindings: Env }>();

seedGet(seedListRoutes, '/api/distros', async (c, context) => {
  const versions = await versionsOf(context.catalogue);
  const answer = () => offeredDistros(context.config.DISTROS, versions);
  return metadataAnswer(c, await keptText(versions.versions, 'seed distros', answer));
});

seedGet(seedListRoutes, '/api/distributions', async (c, context) => {
  const versions = await versionsOf(context.catalogue);
  const answer = () => offeredDistributions(context.config.DISTROS, versions);
  return metadataAnswer(c, await keptText(versions.versions, 'seed distributions', answer));
});

seedGet(seedListRoutes, '/api/versions', async (c, context) => {
  const name = parameter(c, 'distro') ?? '';
  const distros = name === '' ? context.config.DISTROS : [neededDistro(context.config.DISTROS, name)];
  const versions = await versionsOf(context.catalogue);
  const kept = `seed versions of ${distros.map((distro) => distro.name).join(' ')}`;
  return metadataAnswer(c, await keptText(versions.versions, kept, () => offeredVersions(distros, versions)));
});

seedGet(seedListRoutes, '/api/models', async (c, context) => {
  const [distroName, version] = [neededParameter(c, 'distro'), neededParameter(c, 'version')];
  const search = parameter(c, 'model_search') ?? '';
  const isSplit = parameter(c, 'subtarget') !== undefined;
  const distro = neededDistro(context.config.DISTROS, distroName);
  const document = knownOrNull(await context.catalogue.models(version));
  if (!document) {
    checkVersion(await versionsOf(context.catalogue), version);
    throw new BuildError('upstream_unavailable', undefined, {
      cause: `the mirror has no .overview.json of ${version}`,
    });
  }
  const answer: SeedModels = searchModels(document.models, search, MAX_MODELS).map(({ model, target, profile }) => ({
    model,
    target: isSplit ? target.slice(0, target.indexOf('/')) : target,
    subtarget: subtargetOf(target),
    profile,
    distro: distro.name,
    version,
  }));
  return metadataAnswer(c, await taggedText(answer));
});

seedGet(seedListRoutes, '/api/packages_image', async (c, context) => {
  const [distroName, version] = [neededParameter(c, 'distro'), neededParameter(c, 'version')];
  const { target, dialect } = targetIn(c);
  const board = neededParameter(c, 'profile');
  const distro = neededDistro(context.config.DISTROS, distroName);
  const document = await targetDocument(context, version, target);
  const profile = resolveBoard({ board, model: '' }, document.profiles);
  if (profile === null) throw new BuildError('unsupported', `unknown device ${board}`);
  const branch = findBranch(context.config.BRANCHES, version);
  if (!branch) throw new BuildError('unsupported', `unknown version ${version}`);
  const packages = defaultPackages(document, profile, distro, branch);
  const answer: SeedPackages | SeedPackages['packages'] = dialect === 'split' ? { packages } : packages;
  return metadataAnswer(c, await taggedText(answer));
});

/** Who names a subtarget is answered as whoever did so in 2018, also where the target has it in it. */
function targetIn(c: SeedApp): { readonly target: string; readonly dialect: 'split' | 'joined' } {
  const [target, subtarget] = [neededParameter(c, 'target'), parameter(c, 'subtarget')];
  const dialect = subtarget === undefined ? 'joined' : 'split';
  if (target.includes('/')) return { target, dialect };
  if (!subtarget) return refuseField('subtarget', 'expected one, or a target with a slash in it');
  return { target: `${target}/${subtarget}`, dialect };
}

async function targetDocument(context: EdgeContext, version: string, target: string): Promise<TargetDocument> {
  const document = knownOrNull(await context.catalogue.target(version, target));
  if (document) return document;
  checkVersion(await versionsOf(context.catalogue), version);
  throw new BuildError('unsupported', `unknown target ${target}`);
}

/** @throws BuildError `unsupported` where the version is not offered */
function checkVersion({ versions }: VersionsDocument, version: string): void {
  if (!versions.some((entry) => entry.version === version))
    throw new BuildError('unsupported', `unknown version ${version}`);
}

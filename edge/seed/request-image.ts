/**
 * A request of the old API on its way to the pipeline that all requests go. What was asked before is answered by the build that
 * its name leads to: LuCI of 2019 never polls but sends its request again every five seconds.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { utf8ToBytes } from '../../shared/crypto/digest.ts';
import { checkPackagesExist } from '../../shared/request/package-check.ts';
import { resolveBoard } from '../../shared/seed/board.ts';
import { MAX_SEED_DEFAULTS_BYTES, type SeedRequest } from '../../shared/seed/build-request-fields.ts';
import { carriedWords } from '../../shared/seed/carried-words.ts';
import { neededDistro } from '../../shared/seed/distro-name.ts';
import type { RequestName } from '../../shared/seed/request-name.ts';
import { findBranch } from '../../shared/upstream/branch.ts';
import type { TargetDocument } from '../../shared/upstream/catalogue-document.ts';
import type { Distro } from '../../shared/upstream/distro.ts';
import { applyPackageChanges } from '../../shared/upstream/package-changes.ts';
import { requestBuild } from '../builds/build-service.ts';
import { type BuildAnswer, findBuild } from '../builds/find-build.ts';
import type { Asked } from '../builds/wish.ts';
import type { EdgeContext } from '../edge-context.ts';
import { LIFETIMES } from '../lifetimes.ts';
import type { Visit } from '../limits/visit.ts';

/** A first-boot script that is too long: of all errors the one with a status of its own. */
export class DefaultsTooLarge extends BuildError {
  constructor(maxBytes: number, sizeBytes: number) {
    super('invalid_request', `defaults: expected at most ${maxBytes} bytes, got ${sizeBytes}`);
  }
}

/** @throws BuildError for everything that can be said without a build */
export async function requestImage(
  context: EdgeContext,
  asked: SeedRequest,
  { name, identity }: RequestName,
  visit: Visit,
): Promise<BuildAnswer> {
  const known = await context.names.known(name, visit);
  // Another request may have the same name.
  const again = known?.identity === identity ? await askedAgain(context, known.requestHash, visit) : undefined;
  return again ?? requestBuild(context, await translate(context, asked, visit), visit);
}

/** What becomes of the build that this was answered with before, while that is all there is to say. */
async function askedAgain(context: EdgeContext, requestHash: string, visit: Visit): Promise<BuildAnswer | undefined> {
  const answer = await findBuild(context, requestHash, visit);
  if (answer?.state === 'pending') {
    visit.outcome = 'joined';
    return answer;
  }
  // Whether an image is still the one to be given is said where all requests are looked at.
  if (answer?.state !== 'failed' || answer.failed.failure.failedAt <= Date.now() - LIFETIMES.seedFailureMs)
    return undefined;
  visit.outcome = 'known_failure';
  return answer;
}

/** The order of the checks is the contract's. @throws BuildError */
async function translate(context: EdgeContext, asked: SeedRequest, visit: Visit): Promise<Asked> {
  const { config, wishes } = context;
  const { request } = asked;
  const distro = neededDistro(config.DISTROS, asked.distro);
  const target = await readTarget(context, request);
  checkDefaults(context, request.defaults);
  wishes.checkPolicy({ ...request, distro: distro.name });
  const packages = await carried(context, request, target);
  const named = { ...request, distro: distro.name, packages, diff_packages: packages.length > 0 };
  const profile = resolveBoard(asked, target.profiles);
  if (profile === null) {
    await checkPackages(context, named, target, distro);
    throw new BuildError('unsupported', `unknown device ${asked.board || asked.model || '(neither board nor model)'}`);
  }
  return wishes.of({ ...named, profile }, () => visit.refuseIfSpent('misses', 'builds'));
}

type Named = Pick<SeedRequest['request'], 'version' | 'target' | 'packages'>;

async function readTarget({ config, catalogue }: EdgeContext, { version, target }: Named): Promise<TargetDocument> {
  if (!findBranch(config.BRANCHES, version)) throw new BuildError('unsupported', `unknown version ${version}`);
  const lookup = await catalogue.target(version, target);
  if (lookup.state === 'found') return lookup.document;
  if (lookup.state === 'unavailable') throw new BuildError('upstream_unavailable', undefined, { cause: lookup.reason });
  const versions = await catalogue.versions();
  const isListed = versions.state !== 'found' || versions.document.versions.some((entry) => entry.version === version);
  throw new BuildError('unsupported', isListed ? `unknown target ${target}` : `unknown version ${version}`);
}

function checkDefaults({ config }: EdgeContext, defaults: string): void {
  if (defaults === '' || !config.ALLOW_DEFAULTS) return;
  const maxBytes = Math.min(MAX_SEED_DEFAULTS_BYTES, config.MAX_DEFAULTS_LENGTH);
  const sizeBytes = utf8ToBytes(defaults).length;
  if (sizeBytes > maxBytes) throw new DefaultsTooLarge(maxBytes, sizeBytes);
}

async function carried(
  { catalogue, config }: EdgeContext,
  { version, packages }: Named,
  target: TargetDocument,
): Promise<string[]> {
  const branch = findBranch(config.BRANCHES, version);
  if (!branch || packages.length === 0) return packages;
  const arch = await catalogue.arch(version, target.archPackages);
  return arch.state === 'found' ? carriedWords(packages, { target, arch: arch.document }, branch) : packages;
}

/** For a device that there is, this is done where the whole request is known. */
async function checkPackages(
  context: EdgeContext,
  asked: Named,
  target: TargetDocument,
  distro: Distro,
): Promise<void> {
  const arch = await context.catalogue.arch(asked.version, target.archPackages);
  const branch = findBranch(context.config.BRANCHES, asked.version);
  if (arch.state !== 'found' || !branch) return;
  const names = applyPackageChanges(asked.packages, branch).filter((word) => !word.startsWith('-'));
  const addPackages = names.map((word) => word.replace(/^\+/, ''));
  checkPackagesExist({ addPackages, repositories: distro.feeds.map((feed) => feed.name) }, target, arch.document);
}

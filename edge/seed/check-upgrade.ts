/**
 * What there is for a router, from documents of the catalogue and from nothing else: a check builds nothing, so it costs neither
 * the Foreman nor a node a thing. What the catalogue cannot tell now is never told as the router's fault.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { carryOver, type Journey, type VersionIndex } from '../../shared/seed/carry-over.ts';
import { neededDistro } from '../../shared/seed/distro-name.ts';
import { isNewerRevision } from '../../shared/seed/revision-order.ts';
import type { UpgradeCheck } from '../../shared/seed/upgrade-check-fields.ts';
import {
  comparesPackages,
  outcomeWithoutPackages,
  type UpgradeOutcome,
  upgradeOutcome,
} from '../../shared/seed/upgrade-outcome.ts';
import { branchOf, hasTarget, isListed, upgradePaths } from '../../shared/seed/upgrade-paths.ts';
import { findBranch } from '../../shared/upstream/branch.ts';
import type { VersionsDocument } from '../../shared/upstream/catalogue-document.ts';
import type { EdgeContext } from '../edge-context.ts';
import { knownOrNull, versionsOf } from '../http/metadata-answer.ts';

interface FoundVersion extends VersionIndex {
  readonly version: string;
}

/** @throws BuildError `unsupported` for what this server does not know, `upstream_unavailable` where it cannot be told */
export async function checkUpgrade(context: EdgeContext, check: UpgradeCheck): Promise<UpgradeOutcome> {
  const { catalogue, config } = context;
  const distro = neededDistro(config.DISTROS, check.distro);
  const versions = await versionsOf(catalogue);
  const newer = await findNewer(context, check, versions);
  if (!check.installed || !comparesPackages(check, newer)) return outcomeWithoutPackages(newer);
  const found = newer ?? (await ownVersion(context, check, versions));
  if (!found) return { state: 'nothing to do' };
  const carried = carryOver(check.installed, journeyOf(context, check, found.version), found);
  const needsBefore = newer !== null && carried.unsettled.length > 0;
  const before = needsBefore ? await ownVersion(context, check, versions) : found;
  return upgradeOutcome({ ...found, isNewer: newer !== null, hasOtherFeeds: distro.feeds.length > 0 }, carried, before);
}

/** @throws BuildError `unsupported` where the router's version or target is none */
async function findNewer(
  { catalogue, config }: EdgeContext,
  check: UpgradeCheck,
  versions: VersionsDocument,
): Promise<FoundVersion | null> {
  const { candidates, isKnown } = upgradePaths(check, versions, config.BRANCHES);
  for (const { version, byRevision } of candidates) {
    const found = await read(catalogue, version, check.target);
    // Listed and not there: it is being published, or copied to this mirror. The one before it is there.
    if (!found || (byRevision && !isNewerRevision(found.target.versionCode, check.revision))) continue;
    return found;
  }
  if (!isKnown) throw new BuildError('unsupported', `unknown version ${check.version}`);
  if (!hasTarget(versions, check.target)) throw new BuildError('unsupported', `unknown target ${check.target}`);
  return null;
}

/** Null where upstream does not list the version, or it has not this target. */
const ownVersion = async (
  { catalogue }: EdgeContext,
  { version, target }: UpgradeCheck,
  versions: VersionsDocument,
): Promise<FoundVersion | null> => (isListed(versions, version) ? read(catalogue, version, target) : null);

async function read(catalogue: EdgeContext['catalogue'], version: string, name: string): Promise<FoundVersion | null> {
  const target = knownOrNull(await catalogue.target(version, name));
  const arch = target && knownOrNull(await catalogue.arch(version, target.archPackages));
  return target && arch && { version, target, arch };
}

function journeyOf({ config }: EdgeContext, { version, revision }: UpgradeCheck, next: string): Journey {
  const to = findBranch(config.BRANCHES, next);
  if (!to) throw new BuildError('internal', undefined, { cause: `${next} is listed and of no branch` });
  return { version, revision, from: branchOf(config.BRANCHES, version), to };
}

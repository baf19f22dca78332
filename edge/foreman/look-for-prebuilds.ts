/**
 * Upstream has a new release, or a snapshot moved: what most will ask for is queued before they do, behind all that anybody did ask
 * for. One look every few minutes, at what the catalogue has; a target is looked at again until it was queued for, so that one that
 * is still being published, or a mirror that does not answer, costs a later look and nothing else.
 */
import { findBranch, isSnapshot } from '../../shared/branch.ts';
import { BuildError } from '../../shared/build-error.ts';
import type { BuildRecord } from '../../shared/build-record.ts';
import { type BuildRequest, echoOf } from '../../shared/build-request.ts';
import type { ArchDocument, TargetDocument } from '../../shared/catalogue-document.ts';
import { indexedVersion, isFresh, upstreamDigest } from '../../shared/freshness.ts';
import { intentHash } from '../../shared/intent.ts';
import { checkPolicy, normalizeRequest, type RequestPolicy } from '../../shared/normalize-request.ts';
import { isProvided } from '../../shared/package-check.ts';
import { carriedRequests } from '../../shared/prebuild/carried-requests.ts';
import { isNextVersion } from '../../shared/prebuild/next-version.ts';
import { logWarning } from '../log.ts';
import { firstFor } from './decide-build.ts';
import { abandonedMs } from './due-times.ts';
import type { ForemanState } from './foreman-state.ts';
import { latestRecord } from './latest-record.ts';
import { mayQueuePrebuilds } from './may-prebuild.ts';
import { NOT_HANDLED, type WantedWish } from './prebuilds.ts';
import type { Submission } from './queue.ts';
import { knownBuild, nextGeneration } from './take-submission.ts';

/** So long after it was seen first, a release is one for which it is worth to build before anybody asks. */
const NEWS_MS = 24 * 3_600_000;
/** A snapshot that moves twice a day, or a mirror that goes back and forth, is built for once. */
const PAUSE_MS = 20 * 3_600_000;
/** One look takes no longer: the next one goes on where it ended. */
const LOOK_MS = 5 * 60_000;

/** A target of a version that somebody may go to, and who. */
interface Destination {
  readonly version: string;
  readonly target: string;
  /** Most wanted first. */
  readonly wishes: WantedWish[];
  /** What is not begun by then is not built. */
  readonly until: number;
}

/** How many were queued. */
export async function lookForPrebuilds(state: ForemanState, clock: () => number): Promise<number> {
  const now = clock();
  const lookup = await state.catalogue.versions();
  if (lookup.state !== 'found') return 0;
  const { versions, stableVersion } = lookup.document;
  const listed = versions.map(({ version }) => version);
  state.prebuilds.noteVersions(listed, now);
  state.prebuilds.forget(now);
  if (!mayQueuePrebuilds(state, now)) return 0;
  const isOver = () => clock() - now > LOOK_MS;
  let queued = 0;
  for (const destination of destinationsOf(state, listed, stableVersion, now)) {
    if (isOver()) break;
    queued += await queueFor(state, destination, now, isOver);
  }
  return queued;
}

/** Of each version the most wanted: which targets are published first must not decide who gets what there is time for. */
function destinationsOf(
  { prebuilds, config }: ForemanState,
  listed: readonly string[],
  stable: string,
  now: number,
): Iterable<Destination> {
  const news = prebuilds.newSince(now - NEWS_MS);
  const goals = listed.filter((version) => isSnapshot(version) || news.has(version));
  const destinations = new Map<string, Destination>();
  const goers = new Map<string, number>();
  for (const wish of prebuilds.wanted())
    for (const version of goals) {
      const before = goers.get(version) ?? 0;
      if (before >= config.PREBUILDS_A_RELEASE || !isNextVersion(wish.image.version, version, stable)) continue;
      goers.set(version, before + 1);
      const { target } = wish.image;
      const key = `${version} ${target}`;
      const until = (news.get(version) ?? now) + NEWS_MS;
      const destination = destinations.get(key) ?? { version, target, wishes: [], until };
      destinations.set(key, destination);
      destination.wishes.push(wish);
    }
  return destinations.values();
}

async function queueFor(
  state: ForemanState,
  destination: Destination,
  now: number,
  isOver: () => boolean,
): Promise<number> {
  const { prebuilds, catalogue, config, db } = state;
  const { version, target, until } = destination;
  const seen = prebuilds.seen(version, target);
  if (seen && seen.imageBuilder !== NOT_HANDLED && seen.at > now - PAUSE_MS) return 0;
  const found = await catalogue.target(version, target);
  if (found.state !== 'found') return 0;
  const imageBuilder = found.document.imageBuilder.sha256;
  if (seen?.imageBuilder === imageBuilder) return 0;
  if (!seen && isSnapshot(version)) {
    // It did not move: it is known from now on.
    prebuilds.noteTarget({ version, target, imageBuilder, builds: 0, at: now - PAUSE_MS });
    return 0;
  }
  const arch = await catalogue.arch(version, found.document.archPackages);
  if (arch.state !== 'found') return 0;
  const budget = config.PREBUILDS_A_RELEASE - (isSnapshot(version) ? 0 : prebuilds.buildsFor(version));
  const submissions: Prebuild[] = [];
  let isWhole = true;
  for await (const prebuild of prebuildsFor(state, destination, found.document, arch.document)) {
    if (submissions.length >= budget) break;
    if (prebuild === 'unread' || isOver()) isWhole = false;
    if (isOver()) break;
    // It may be under way, or just have ended.
    if (prebuild !== 'unread' && !knownBuild(state, prebuild.submission, now)) submissions.push(prebuild);
  }
  return db.transaction(() => {
    // While the store was asked, somebody may have asked for it.
    const unknown = submissions.filter(({ submission }) => !knownBuild(state, submission, now));
    for (const { submission, place } of unknown)
      state.queue.addPrebuild(
        submission,
        nextGeneration(state, submission),
        { whom: firstFor(state, submission.request), place, polledAt: until - abandonedMs(state) },
        now,
      );
    prebuilds.noteTarget({
      ...{ version, target, at: now },
      imageBuilder: isWhole ? imageBuilder : NOT_HANDLED,
      builds: (isSnapshot(version) ? 0 : (seen?.builds ?? 0)) + unknown.length,
    });
    if (unknown.length > 0) state.statistics.prebuild('queued', now, unknown.length);
    return unknown.length;
  });
}

interface Prebuild {
  readonly submission: Submission;
  readonly place: number;
}

/**
 * Each image once, though several wishes lead to it; none that is there and as good as new. `unread`: of which the store does not tell.
 */
async function* prebuildsFor(
  state: ForemanState,
  { version, wishes }: Destination,
  target: TargetDocument,
  arch: ArchDocument,
): AsyncGenerator<Prebuild | 'unread'> {
  const branch = findBranch(state.config.BRANCHES, version);
  if (!branch) return;
  const intents = new Set<string>();
  for (const { image, place } of wishes)
    for (const request of carriedRequests(image, findBranch(state.config.BRANCHES, image.version), version, branch)) {
      const submission = submissionOf(state, request, target, arch);
      if (!submission || intents.has(submission.intentHash)) continue;
      intents.add(submission.intentHash);
      const latest = await recordOrUnread(state, submission.intentHash);
      if (latest === 'unread') {
        yield latest;
        continue;
      }
      if (latest && isFresh(latest, target, arch)) continue;
      yield { submission: { ...submission, seenGeneration: latest?.generation ?? 0 }, place };
    }
}

/** One record that cannot be read keeps nothing else from being built. */
async function recordOrUnread({ store }: ForemanState, intent: string): Promise<BuildRecord | null | 'unread'> {
  try {
    return await latestRecord(store, intent);
  } catch (error) {
    logWarning('what is to be built ahead cannot be told of a wish, and is looked at again', { error });
    return 'unread';
  }
}

/** Null for what cannot be built in that version, or is not allowed here: whoever asks for it will be told. */
function submissionOf(
  state: ForemanState,
  asked: BuildRequest,
  target: TargetDocument,
  arch: ArchDocument,
): Submission | null {
  const branch = findBranch(state.config.BRANCHES, asked.version);
  if (!branch) return null;
  try {
    const policy = policyOf(state);
    checkPolicy(asked, policy);
    const request = normalizeRequest(asked, branch, target, policy);
    // Also where an index does not tell what its packages provide: a guess that is likely to fail is not worth a node's time.
    if (!request.addPackages.every((name) => isThere(name, target, arch))) return null;
    return {
      intentHash: intentHash(state.config.IDENTITY_SALT, request),
      seenGeneration: 0,
      request,
      echo: echoOf(asked),
      conditions: { version_code: '', packages_versions: {} },
      sealedDefaults: null,
      upstreamDigest: upstreamDigest(target, arch),
      clientKey: '',
      imageBuilder: target.imageBuilder.sha256,
    };
  } catch (error) {
    if (error instanceof BuildError) return null;
    throw error;
  }
}

const isThere = (name: string, target: TargetDocument, arch: ArchDocument): boolean =>
  indexedVersion(name, target, arch) !== undefined || isProvided(target, name) || isProvided(arch, name);

/** Of requests without `defaults`: there is nothing for a key. */
const policyOf = ({ config }: ForemanState): RequestPolicy => ({
  distros: config.DISTROS,
  allowDefaults: false,
  maxDefaultsBytes: 0,
  maxRootfsSizeMb: config.MAX_CUSTOM_ROOTFS_SIZE_MB,
  repositoryAllowList: [],
  defaultsKey: new Uint8Array(),
});

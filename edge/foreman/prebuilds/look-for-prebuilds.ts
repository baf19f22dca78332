/**
 * Upstream has a new release, or a snapshot moved: what most will ask for is queued before they do, behind all that anybody did ask
 * for. One look every few minutes, at what the catalogue has; a target is looked at again until it was queued for, so that one that
 * is still being published, or a mirror that does not answer, costs a later look and nothing else.
 */
import { isNextVersion } from '../../../shared/prebuild/next-version.ts';
import { isSnapshot } from '../../../shared/upstream/branch.ts';
import { abandonedMs } from '../due-times.ts';
import type { ForemanState } from '../foreman-state.ts';
import { knownBuild, nextGeneration } from '../queue/take-submission.ts';
import { firstFor } from '../trust/decide-build.ts';
import { mayQueuePrebuilds } from './may-prebuild.ts';
import { type Prebuild, prebuildsFor } from './prebuild-submissions.ts';
import { NOT_HANDLED, type WantedWish } from './prebuilds.ts';

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

/** A miss arrives: join the build that runs, learn what became of the last one, or begin the next generation. */
import { isRemembered } from '../../../shared/build/build-error.ts';
import type { BuildStatus } from '../../../shared/build/build-state.ts';
import { isPrebuild } from '../../../shared/queue/turn.ts';
import { requestHash } from '../../../shared/request/intent.ts';
import type { ForemanState } from '../foreman-state.ts';
import { type BuildRow, isLive } from '../schema.ts';
import { firstFor } from '../trust/decide-build.ts';
import { buildStatus } from './build-status.ts';
import type { Submission } from './queue.ts';

export type SubmitAnswer =
  | {
      readonly accepted: true;
      readonly status: BuildStatus;
      /** This submission began the build. */
      readonly isNew: boolean;
      /** Id of the node that is to be called for it; absent: somebody who asked has been woken. */
      readonly calls?: string;
    }
  /** `fault`: of ours, which is logged where it was met. */
  | { readonly accepted: false; readonly why: 'queue_full' | 'bucket_of_another' | 'fault' };

export interface SubmitAnswers {
  /** In the order of the submissions. */
  readonly answers: readonly SubmitAnswer[];
  /** What was asked for on the way, in that order. */
  readonly others: readonly (BuildStatus | null)[];
}

/** One synchronous step, so that of a hundred equal requests ninety-nine find the first one's build. */
export function takeSubmission(state: ForemanState, submission: Submission, now: number): SubmitAnswer {
  const known = knownBuild(state, submission, now);
  if (known) {
    const build = isLive(known) ? join(state, submission, known, now) : known;
    return { accepted: true, status: buildStatus(state, build, now), isNew: false };
  }
  if (state.queue.waiting() >= state.config.MAX_QUEUE) return { accepted: false, why: 'queue_full' };
  const generation = nextGeneration(state, submission);
  const build = state.queue.add(submission, generation, now, firstFor(state, submission.request));
  return { accepted: true, status: buildStatus(state, build, now), isNew: true };
}

/** The build that answers it: one under way, or the end of one that says something still. */
export function knownBuild(state: ForemanState, submission: Submission, now: number): BuildRow | undefined {
  const newest = state.queue.newest(submission.intentHash);
  if (!newest || isLive(newest)) return newest;
  if (newest.generation <= submission.seenGeneration) return undefined;
  if (newest.state === 'done') return newest;
  const { failure } = newest;
  const stillFails =
    failure !== null &&
    isRemembered(failure.kind) &&
    failure.upstreamDigest === submission.upstreamDigest &&
    now - failure.failedAt < state.config.FAILURE_SECONDS * 1000;
  return stillFails ? newest : undefined;
}

export function nextGeneration(state: ForemanState, { intentHash, seenGeneration }: Submission): number {
  let generation = Math.max(state.queue.newest(intentHash)?.generation ?? 0, seenGeneration) + 1;
  // Of builds that ended long ago votes alone are kept; under their names they would decide about a new one.
  while (state.votes.areThere(requestHash(intentHash, generation))) generation += 1;
  return generation;
}

function join(state: ForemanState, submission: Submission, build: BuildRow, now: number): BuildRow {
  if (isPrebuild(build)) {
    state.queue.askedFor(submission, build, now);
    state.statistics.prebuild('joined', now);
    return state.queue.byHash(build.requestHash) ?? build;
  }
  // Conditions of one client must not fail the build of another; both have checked their own by now.
  if (JSON.stringify(build.conditions) !== JSON.stringify(submission.conditions))
    state.queue.dropConditions(build.requestHash);
  state.queue.joinedBy(submission.clientKey, build);
  state.queue.polls.note(build, now);
  return build;
}

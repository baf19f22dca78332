/** A miss arrives: join the build that runs, learn what became of the last one, or begin the next generation. */
import { isRemembered } from '../../shared/build-error.ts';
import type { BuildStatus } from '../../shared/build-state.ts';
import { requestHash } from '../../shared/intent.ts';
import { buildStatus } from './build-status.ts';
import { firstFor } from './decide-build.ts';
import type { ForemanState } from './foreman-state.ts';
import type { Submission } from './queue.ts';
import { LIVE_STATES } from './schema.ts';

export type SubmitAnswer = (
  | {
      readonly accepted: true;
      readonly status: BuildStatus;
      /** This submission began the build. */
      readonly isNew: boolean;
      /** Id of the node that is to be called for it; absent: somebody who asked has been woken. */
      readonly calls?: string;
    }
  | { readonly accepted: false; readonly reason: 'queue full' | 'bucket of another' }
) & {
  /** What was asked for on the way, in that order; absent: nothing was. */
  readonly others?: readonly (BuildStatus | null)[];
};

/** One synchronous step, so that of a hundred equal requests ninety-nine find the first one's build. */
export function takeSubmission(state: ForemanState, submission: Submission, now: number): SubmitAnswer {
  const newest = state.queue.newest(submission.intentHash);
  if (newest) {
    const tell = (): SubmitAnswer => ({ accepted: true, status: buildStatus(state, newest, now), isNew: false });
    if ((LIVE_STATES as readonly string[]).includes(newest.state)) {
      // Conditions of one client must not fail the build of another; both have checked their own by now.
      if (JSON.stringify(newest.conditions) !== JSON.stringify(submission.conditions))
        state.queue.dropConditions(newest.requestHash);
      state.queue.joinedBy(submission.clientKey, newest);
      state.queue.polls.note(newest, now);
      return tell();
    }
    const isNews = newest.generation > submission.seenGeneration;
    if (newest.state === 'done' && isNews) return tell();
    const { failure } = newest;
    if (
      newest.state === 'failed' &&
      failure &&
      isNews &&
      isRemembered(failure.kind) &&
      failure.upstreamDigest === submission.upstreamDigest &&
      now - failure.failedAt < state.config.FAILURE_SECONDS * 1000
    )
      return tell();
  }
  if (state.queue.waiting() >= state.config.MAX_QUEUE) return { accepted: false, reason: 'queue full' };
  let generation = Math.max(newest?.generation ?? 0, submission.seenGeneration) + 1;
  // Of builds that ended long ago votes alone are kept; under their names they would decide about a new one.
  while (state.votes.areThere(requestHash(submission.intentHash, generation))) generation += 1;
  const build = state.queue.add(submission, generation, now, firstFor(state, submission.request));
  return { accepted: true, status: buildStatus(state, build, now), isNew: true };
}

/**
 * The misses of one isolate, which come in one call since a call costs more than its content. One that cannot be taken takes nothing
 * from the others.
 */
import { logError, stackOf } from '../../log.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { WaitingRoom } from '../leases/waiting-room.ts';
import { mayBeBrought } from '../nodes/callable-nodes.ts';
import type { Submission } from './queue.ts';
import { type SubmitAnswer, takeSubmission } from './take-submission.ts';

/** That one call takes. Others wait while it is answered, some milliseconds for each. */
export const MAX_SUBMISSIONS = 32;

const NOT_TAKEN: SubmitAnswer = { accepted: false, why: 'bucket_of_another' };

/** As they came. Whoever is to build what is new has been woken, or stands in the answer. */
export function takeSubmissions(
  state: ForemanState,
  waiting: WaitingRoom,
  submissions: readonly Submission[],
  now: () => number,
): SubmitAnswer[] {
  return submissions
    .slice(0, MAX_SUBMISSIONS)
    .map((submission) => (state.hold.refusal === null ? take(state, waiting, submission, now()) : NOT_TAKEN));
}

function take(state: ForemanState, waiting: WaitingRoom, submission: Submission, now: number): SubmitAnswer {
  try {
    const answer = takeSubmission(state, submission, now);
    const isNew = answer.accepted && answer.isNew;
    const calls = isNew && mayBeBrought(submission) ? waiting.toBeCalled(submission.imageBuilder) : null;
    if (calls === null) waiting.wakeSome(submission.imageBuilder);
    return answer.accepted && calls !== null ? { ...answer, calls } : answer;
  } catch (error) {
    logError('a submission was not taken', { error: stackOf(error) });
    return { accepted: false, why: 'fault' };
  }
}

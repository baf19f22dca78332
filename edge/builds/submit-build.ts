/** A miss becomes a build: it is charged to whoever asks, and goes to the Foreman with what others of this isolate submit. */
import { waitUntil } from 'cloudflare:workers';
import { BuildError } from '../../shared/build/build-error.ts';
import type { BuildStatus } from '../../shared/build/build-state.ts';
import { type EdgeContext, foremanOf } from '../edge-context.ts';
import { MAX_STATUSES } from '../foreman/queue/build-status.ts';
import type { Submission } from '../foreman/queue/queue.ts';
import type { SubmitAnswer } from '../foreman/queue/take-submission.ts';
import { QUEUE_FULL } from '../limits/full-queue.ts';
import type { Visit } from '../limits/visit.ts';
import { bringOrder } from '../nodes/bring-order.ts';

/** @throws BuildError where the Foreman takes none on; the visit's refusal; what the call threw */
export async function submitBuild(context: EdgeContext, submission: Submission, visit: Visit): Promise<BuildStatus> {
  // Only what is new costs a node: whoever asks for what is under way, or is being submitted, is polling.
  const intent = submission.intentHash;
  const isJoining = context.pending.isLive(intent);
  if (!isJoining) visit.reserve('builds');
  context.pending.goesLive(intent);
  const asker = {
    get signal() {
      return visit.signal;
    },
    // Whoever is gone by then has begun it all the same.
    onEnd: (answer: SubmitAnswer | null) => {
      // Of what it joined, nothing is known where its own call was none.
      if (answer ? !answer.accepted : !isJoining) context.pending.isOver(intent);
      const isNew = answer?.accepted === true && answer.isNew;
      if (!isJoining) waitUntil(visit.settle('builds', isNew));
      // What it joined had never been sent, or was over.
      else if (isNew) waitUntil(visit.owe('builds'));
    },
  };
  const answer = await context.submissions.submit(submission, (all) => send(context, all), asker);
  if (!answer.accepted) {
    if (answer.why === 'bucket_of_another') throw NOT_TAKEN;
    // Of ours: told as such, and not as a build that failed.
    if (answer.why === 'fault') throw new BuildError('internal');
    context.fullQueue.remember();
    throw QUEUE_FULL;
  }
  visit.outcome = answer.isNew ? 'new' : OUTCOME_OF[answer.status.state];
  const hash = answer.status.state === 'failed' ? answer.status.failure.requestHash : answer.status.requestHash;
  context.results.forgetUnknown(hash);
  return answer.status;
}

/** For all who submit in this moment. Who asked for one of them may be gone, and its node is called all the same. */
async function send(context: EdgeContext, submissions: readonly Submission[]): Promise<readonly SubmitAnswer[]> {
  const { answers, others } = await foremanOf(context.env).submit(submissions, context.pending.due(MAX_STATUSES));
  context.pending.rememberAll(others);
  for (const [at, { imageBuilder }] of submissions.entries()) {
    const answer = answers[at];
    if (answer?.accepted && answer.calls !== undefined) waitUntil(bringOrder(context, answer.calls, imageBuilder));
  }
  return answers;
}

/** To whom it belongs is for the operator, who reads it in /healthz. */
const NOT_TAKEN = new BuildError(
  'internal',
  'Error: This server builds nothing now, since its storage belongs to another one. This is not a fault of your request; what was built before is served',
);

/** What a submission that began no build came upon. */
const OUTCOME_OF = { queued: 'joined', running: 'joined', done: 'hit_store', failed: 'known_failure' } as const;

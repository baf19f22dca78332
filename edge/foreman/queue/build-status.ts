/** What a poller is told of a build. The estimate is made from what recent builds took and how many run at once. */
import type { BuildStatus } from '../../../shared/build/build-state.ts';
import { BuildStep } from '../../../shared/gen/asu/farm/v1/build_pb.js';
import { estimateSeconds, remainingSeconds } from '../../../shared/queue/estimate.ts';
import { isPrivate } from '../../../shared/request/normalize-request.ts';
import { waitingSeconds } from '../../../shared/trust/waits-for.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { BuildRow } from '../schema.ts';
import { waitsForOf } from './waits-for-of.ts';

/**
 * What may be asked for at once. Isolates fill it on a release day: with half as many they call twice as often for the same
 * builds. Others wait while it is answered, which takes some milliseconds.
 */
export const MAX_STATUSES = 128;

/** Null for hashes of which nothing is known here; they may still lie finished in the store. Whoever asks wants them built. */
export const polledStatuses = (state: ForemanState, hashes: readonly string[], now: number): (BuildStatus | null)[] =>
  hashes.slice(0, MAX_STATUSES).map((hash) => {
    const build = state.queue.byHash(hash);
    if (build) state.queue.polls.note(build, now);
    return build ? buildStatus(state, build, now) : null;
  });

export function buildStatus(state: ForemanState, build: BuildRow, now: number): BuildStatus {
  if (build.state === 'done') return { state: 'done', requestHash: build.requestHash, generation: build.generation };
  if (build.state === 'failed' && build.failure) return { state: 'failed', failure: build.failure };
  const live = { requestHash: build.requestHash, echo: build.echo, enqueuedAt: build.enqueuedAt };
  const pace = state.farmSize.pace(now, build.whom);
  if (build.state === 'queued') {
    const position = state.queue.line.position(build);
    const ahead = state.queue.line.ahead(build, position);
    // Nobody who comes now has a turn before the next one.
    const newcomers = build.turn > state.queue.turns.now() + 1 ? state.queue.newcomers.rate(now) : 0;
    const waitsFor = waitsForOf(state, build, now);
    const etaSeconds = waitingSeconds(estimateSeconds(ahead, pace, newcomers), pace.typicalMs, waitsFor);
    return { ...live, state: 'queued', position, ahead, etaSeconds, ...(waitsFor && { waitsFor }) };
  }
  return {
    ...live,
    state: 'running',
    // The node's last word may come before it has told of its last step.
    step: build.state === 'publishing' ? BuildStep.SIGNING_IMAGES : (build.step as BuildStep),
    bytesDone: build.bytesDone,
    bytesTotal: build.bytesTotal,
    leaseId: build.leaseId,
    isPrivate: isPrivate(build.request),
    etaSeconds: remainingSeconds(pace, now - (build.startedAt ?? now)),
  };
}

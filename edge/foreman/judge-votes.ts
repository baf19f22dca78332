/**
 * Which nodes were right? Once a build is decided, every vote about it is held against what was decided, also one that comes
 * later; what a node's word is worth is seen by that alone. And so is whose fault it was that the build failed before.
 */
import type { ForemanState } from './foreman-state.ts';
import { settleFaults } from './node-faults.ts';
import type { VoteRow } from './schema.ts';

/** `leaseId`: of the vote that decided; absent where it was decided before. */
export function judgeVotes(state: ForemanState, requestHash: string, now: number, leaseId?: string): void {
  const votes = state.votes.rowsOf(requestHash);
  const measure = votes.find((vote) => (leaseId === undefined ? vote.verdict === 'right' : vote.leaseId === leaseId));
  if (!measure) {
    // It ended without a decision, and this word came later.
    state.votes.close(requestHash);
    return;
  }
  for (const vote of votes) {
    if (vote.verdict !== 'open') continue;
    const verdict = saysTheSame(vote, measure) ? 'right' : 'wrong';
    state.votes.judge(vote, verdict);
    count(state, { ...vote, verdict }, 1);
  }
  const right = votes.filter((vote) => saysTheSame(vote, measure)).map(({ nodeId }) => nodeId);
  settleFaults(state, requestHash, new Set(right), now);
}

/**
 * What was decided cannot be published, and is decided anew: nobody has been right about it yet. Who is not believed any more
 * has said nothing of it, as of every build that is undecided (set-aside.ts).
 */
export function reopenVotes(state: ForemanState, requestHash: string): void {
  for (const vote of state.votes.rowsOf(requestHash)) {
    count(state, vote, -1);
    if (state.nodes.isHeard(vote.nodeId)) state.votes.judge(vote, 'open');
    else state.votes.remove(vote);
  }
  state.votes.removeDecisive(requestHash);
}

function count({ nodes }: ForemanState, { nodeId, verdict, outcome }: VoteRow, by: 1 | -1): void {
  if (verdict === 'right' || verdict === 'wrong') nodes.tally(nodeId, verdict, by);
  if (verdict === 'right' && outcome === 'image') nodes.tally(nodeId, 'images', by);
}

const saysTheSame = (one: VoteRow, other: VoteRow): boolean =>
  one.outcome === other.outcome && one.kind === other.kind && one.digest === other.digest;

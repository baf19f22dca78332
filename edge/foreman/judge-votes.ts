/**
 * Which nodes were right? Once a build is decided, every vote about it is held against what was decided, also one that comes
 * later; what a node's word is worth is seen by that alone, and so is whose fault it was that the build failed before. Who lied is
 * put out, and what nobody lied about is noted of the target.
 */
import { saysTheSame, type Vote } from '../../shared/quorum.ts';
import { type Finding, judge } from '../../shared/trust/judge.ts';
import type { ForemanState } from './foreman-state.ts';
import { settleFaults } from './node-faults.ts';
import { quarantineLiar } from './quarantine-liar.ts';
import type { BuildRow, VoteRow } from './schema.ts';
import { asVote } from './votes.ts';

const VERDICTS: Readonly<Record<Finding, VoteRow['verdict']>> = {
  right: 'right',
  lie: 'wrong',
  differs: 'wrong',
  moot: 'moot',
};

/** `leaseId`: of the vote that decided; absent where it was decided before. */
export function judgeVotes(state: ForemanState, build: BuildRow, now: number, leaseId?: string): void {
  const { requestHash } = build;
  const rows = state.votes.rowsOf(requestHash);
  const decisive = rows.filter(({ verdict, leaseId: id }) =>
    leaseId === undefined ? verdict === 'right' : id === leaseId,
  );
  const measureRow = decisive.find(({ tier }) => tier === 'trusted') ?? decisive[0];
  if (!measureRow) {
    // It ended without a decision, and this word came later.
    state.votes.close(requestHash);
    return;
  }
  const votes = rows.map(weighed);
  const measure = weighed(measureRow);
  for (const row of rows) {
    if (row.verdict !== 'open') continue;
    const vote = weighed(row);
    const finding = judge(vote, measure, votes);
    const verdict = VERDICTS[finding];
    state.votes.judge(row, verdict);
    count(state, { ...row, verdict }, 1);
    if (row.operator !== measureRow.operator) noteOfTarget(state, build, vote, measure, finding, now);
    if (finding === 'lie') quarantineLiar(state, row.nodeId, contradiction(requestHash, measure), now);
  }
  const right = rows.filter((row) => saysTheSame(weighed(row), measure)).map(({ nodeId }) => nodeId);
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

/** Two images tell of it, and nothing else does. */
function noteOfTarget(
  { reproducibility }: ForemanState,
  { request: { version, target } }: BuildRow,
  vote: Vote,
  measure: Vote,
  finding: Finding,
  now: number,
): void {
  if (finding === 'moot' || vote.verdict.outcome !== 'image' || measure.verdict.outcome !== 'image') return;
  const what = saysTheSame(vote, measure) ? 'agreed' : finding === 'lie' ? 'explained' : 'unexplained';
  reproducibility.note(version, target, what, now);
}

function contradiction(requestHash: string, { verdict }: Vote): string {
  const other = verdict.outcome === 'image' ? 'made another image' : `said ${verdict.kind}`;
  return `what it said of build ${requestHash} is not so: a trusted node ${other}`;
}

/** For comparing what was said, an operator's record is nothing. */
const weighed = (row: VoteRow): Vote => ({ ...asVote(row), isProven: false });

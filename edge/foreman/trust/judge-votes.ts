/**
 * Which nodes were right? Once a build is decided, every vote about it is held against what was decided, also one that comes
 * later; what a node's word is worth is seen by that alone, and so is whose fault it was that the build failed before. Who lied is
 * put out, and what nobody lied about is noted of the target.
 */
import { type Finding, judge } from '../../../shared/trust/judge.ts';
import { saysTheSame, type Vote } from '../../../shared/trust/quorum.ts';
import type { ForemanState } from '../foreman-state.ts';
import { settleFaults } from '../nodes/node-faults.ts';
import { recall } from '../publishing/recall.ts';
import type { BuildRow, VoteRow } from '../schema.ts';
import { haveRebuilt } from './have-rebuilt.ts';
import { quarantineLiar } from './quarantine-liar.ts';
import { unshelve } from './shelf.ts';
import { asVote } from './votes.ts';

const VERDICTS: Readonly<Record<Finding, VoteRow['verdict']>> = {
  right: 'right',
  lie: 'wrong',
  differs: 'wrong',
  moot: 'moot',
};

/** Of a build, or of the record that is left of one. */
export type Judged = Pick<BuildRow, 'requestHash' | 'intentHash' | 'request'>;

/**
 * `leaseId`: of the vote that decided; absent where it was decided before. The first trusted word about what volunteers decided is
 * the measure of all of them, and where it is another one, what they decided is taken back. But by a failure no image goes: a machine
 * that is sick fails as a build does that cannot be made, so a trusted node is asked for an image first.
 */
export function judgeVotes(state: ForemanState, build: Judged, now: number, leaseId?: string): void {
  const { requestHash } = build;
  unshelve(state, requestHash);
  const rows = state.votes.rowsOf(requestHash);
  const decisive = rows.filter(({ verdict, leaseId: id }) =>
    leaseId === undefined ? verdict === 'right' : id === leaseId,
  );
  const before = decisive.find(isTrusted) ?? decisive[0];
  if (!before) {
    // It ended without a decision, and this word came later.
    state.votes.close(requestHash);
    return;
  }
  const first = leaseId === undefined && !isTrusted(before) ? rows.find(isFirstWordAbout(before)) : undefined;
  const isOverturned = first !== undefined && !saysTheSame(weighed(first), weighed(before));
  const measureRow = first ?? before;
  const votes = rows.map(weighed);
  const measure = weighed(measureRow);
  for (const row of rows) {
    const isJudgedAnew = first !== undefined && isMeasured(row);
    if (row.verdict !== 'open' && !isJudgedAnew) continue;
    if (isDoubtOf(measureRow)(row)) {
      state.votes.judge(row, 'moot');
      haveRebuilt(state, requestHash, now);
      continue;
    }
    const vote = weighed(row);
    const finding = judge(vote, measure, votes, build.request.repositories.length === 0);
    const verdict = VERDICTS[finding];
    if (row.verdict === 'right' && verdict === 'right') continue;
    count(state, row, -1);
    state.votes.judge(row, verdict);
    count(state, { ...row, verdict }, 1);
    // A measure is held against what was one before it.
    const other = row === first ? before : measureRow;
    if (row.operator !== other.operator && !(row === first && isOverturned))
      noteOfTarget(state, build, vote, weighed(other), finding, now);
    if (finding === 'lie') quarantineLiar(state, row.nodeId, contradiction(requestHash, measure), now);
  }
  if (isOverturned) recall(state, build, now);
  const right = rows.filter((row) => saysTheSame(weighed(row), measure)).map(({ nodeId }) => nodeId);
  settleFaults(state, requestHash, new Set(right), now);
}

const isTrusted = ({ tier }: VoteRow): boolean => tier === 'trusted';

export const isMeasured = ({ verdict }: VoteRow): boolean => verdict === 'right' || verdict === 'wrong';

const isFirstWordAbout =
  (decided: VoteRow) =>
  (row: VoteRow): boolean =>
    isTrusted(row) && row.verdict === 'open' && row.inputs === decided.inputs && !isDoubtOf(decided)(row);

/** A trusted node could not make what volunteers made. */
const isDoubtOf =
  (decided: VoteRow) =>
  (row: VoteRow): boolean =>
    isTrusted(row) &&
    !isTrusted(decided) &&
    row.inputs === decided.inputs &&
    row.outcome === 'failure' &&
    decided.outcome === 'image';

/** Has somebody contradicted what volunteers decided, of whom no trusted node has said yet whether he lies? */
export function isContradicted({ votes }: ForemanState, requestHash: string): boolean {
  const rows = votes.rowsOf(requestHash);
  const decided = rows.filter(({ verdict }) => verdict === 'right');
  const [first] = decided;
  if (first?.outcome !== 'image' || decided.some(isTrusted)) return false;
  return rows.some((row) => (row.outcome === 'image' && row.verdict === 'wrong') || isDoubtOf(first)(row));
}

/**
 * A volunteer's vote that is there no more: its operator's trusted node has spoken in its place. Of what another trusted node has
 * decided before, two trusted words that differ put nobody out.
 */
export function judgeReplaced(state: ForemanState, build: Judged, row: VoteRow, now: number): void {
  const rows = state.votes.rowsOf(build.requestHash);
  const by = rows.find(({ operator }) => operator === row.operator);
  const isSettled = rows.some((other) => other !== by && isTrusted(other) && isMeasured(other));
  if (!by || isSettled || !(row.verdict === 'open' || isMeasured(row))) return;
  const votes = [...rows, row].map(weighed);
  const finding = judge(weighed(row), weighed(by), votes, build.request.repositories.length === 0);
  const verdict = VERDICTS[finding];
  if (finding === 'moot' || verdict === row.verdict) return;
  count(state, row, -1);
  count(state, { ...row, verdict }, 1);
  if (finding === 'lie') quarantineLiar(state, row.nodeId, contradiction(build.requestHash, weighed(by)), now);
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

/**
 * Two images tell of it, and nothing else does. That they differ is noted once a trusted node has spoken: by volunteers' words alone
 * it may be a lie of either side, and one liar could close a target to all others.
 */
function noteOfTarget(
  state: ForemanState,
  { requestHash, request: { version, target } }: Judged,
  vote: Vote,
  measure: Vote,
  finding: Finding,
  now: number,
): void {
  if (finding === 'moot' || vote.verdict.outcome !== 'image' || measure.verdict.outcome !== 'image') return;
  if (finding === 'differs' && measure.tier !== 'trusted') haveRebuilt(state, requestHash, now);
  else state.reproducibility.note(version, target, NOTED[finding], now);
}

const NOTED = { right: 'agreed', lie: 'explained', differs: 'unexplained' } as const;

function contradiction(requestHash: string, { verdict }: Vote): string {
  const other = verdict.outcome === 'image' ? 'made another image' : `said ${verdict.kind}`;
  return `what it said of build ${requestHash} is not so: a trusted node ${other}`;
}

/** For comparing what was said, an operator's record is nothing. */
const weighed = (row: VoteRow): Vote => ({ ...asVote(row), isProven: false });

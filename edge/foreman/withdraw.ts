/**
 * A node is believed no more: what was published on its word, and does not stand without it, is taken back. The record and its
 * copies go, and whoever asks for such an image next gets it built anew, as its next generation. Node by node and page by page, and
 * each vote is marked when its build is dealt with, so it may be broken off anywhere; a node may have made thousands.
 */
import { eq, sql } from 'drizzle-orm';
import { type BuildRecord, storeKey } from '../../shared/build-record.ts';
import { isHeard } from '../../shared/node-state.ts';
import { decide } from '../../shared/quorum.ts';
import { isProven } from '../../shared/trust/policy.ts';
import { resultKey } from '../results/result-key.ts';
import { ruleOf } from './decide-build.ts';
import type { ForemanState } from './foreman-state.ts';
import { disowned, type VoteRow, votes } from './schema.ts';
import { asVote } from './votes.ts';

const AT_ONCE = 16;

/** Its words are gone through, from now on. In the transaction in which it is put out. */
export function disownResults({ db }: Pick<ForemanState, 'db'>, nodeId: string): void {
  db.insert(disowned).values({ nodeId }).onConflictDoNothing().run();
}

export const isWithdrawalDue = ({ db }: Pick<ForemanState, 'db'>): boolean =>
  db.select().from(disowned).limit(1).get() !== undefined;

/** True where more can be done at once. @throws when the store or KV does not answer: to be tried again */
export async function withdraw(state: ForemanState, now: number): Promise<boolean> {
  const next = state.db.select().from(disowned).limit(1).get();
  if (!next) return false;
  const page = rightVotes(state, next.nodeId);
  if (page.length === 0) {
    state.db.delete(disowned).where(eq(disowned.nodeId, next.nodeId)).run();
    return true;
  }
  let isWaiting = false;
  let withdrawn = 0;
  for (const vote of page) {
    // What is being published now is there in a moment, and can be taken back then.
    if (state.queue.byHash(vote.requestHash)?.state === 'publishing') isWaiting = true;
    else if (await withdrawVote(state, vote, now)) withdrawn += 1;
  }
  if (withdrawn > 0) console.warn(`${withdrawn} results are withdrawn that stood on the word of node ${next.nodeId}`);
  return !isWaiting;
}

/** True where there was something to take back. */
async function withdrawVote(state: ForemanState, vote: VoteRow, now: number): Promise<boolean> {
  const { store, cache, votes: table, queue } = state;
  const { requestHash } = vote;
  const object = await store.get(storeKey.build(requestHash));
  const record = object.exists ? ((await new Response(object.body).json()) as BuildRecord) : null;
  // Where the record is gone already the copies may be left, of a pass that was broken off; or it was a failure.
  const about = record ?? queue.byHash(requestHash);
  const goes = about !== undefined && !stands(state, about, vote.nodeId, now);
  if (goes) {
    await store.delete(storeKey.build(requestHash));
    await cache.delete(resultKey.build(requestHash));
    await cache.delete(resultKey.intent(about.intentHash));
  }
  table.judge(vote, 'withdrawn');
  return goes && record !== null;
}

/** Would it be published today by those who are believed still? */
function stands(
  state: ForemanState,
  about: Pick<BuildRecord, 'requestHash' | 'request'>,
  withoutNode: string,
  now: number,
): boolean {
  const policy = state.config.TRUST_POLICY;
  const left = state.votes
    .rowsOf(about.requestHash)
    .filter(({ verdict, nodeId }) => verdict === 'right' && nodeId !== withoutNode)
    .filter(({ nodeId }) => isHeard(state.nodes.byId(nodeId)?.state ?? 'revoked'))
    .map((row) => ({ ...asVote(row), isProven: isProven(state.operators.record(row.operator), policy, now) }));
  const farm = { activeOperators: state.operators.active(now) };
  return decide(left, ruleOf(state, about.request), policy, farm).decision === 'agreed';
}

/** By the verdict as text: the index of these is used for this very text alone. */
const rightVotes = ({ db }: ForemanState, nodeId: string): VoteRow[] =>
  db.select().from(votes).where(sql`${votes.nodeId} = ${nodeId} AND ${votes.verdict} = 'right'`).limit(AT_ONCE).all();

/**
 * A node is believed no more: what was published on its word, and does not stand without it, is taken back, and whoever asks for such
 * an image next gets it built anew, as its next generation. Node by node and page by page, and each vote is marked when its build is
 * dealt with, so it may be broken off anywhere; a node may have made thousands.
 */
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import { isHeard } from '../../../shared/node/node-state.ts';
import { isProven } from '../../../shared/trust/policy.ts';
import { decide } from '../../../shared/trust/quorum.ts';
import { logWarning } from '../../log.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { storedJson } from '../../storage/read-text.ts';
import type { ForemanState } from '../foreman-state.ts';
import { prepared } from '../prepared.ts';
import { recall } from '../publishing/recall.ts';
import { disowned, nodes, type VoteRow, votes } from '../schema.ts';
import { farmFor, ruleOf } from './decide-build.ts';
import { asVote } from './votes.ts';

const AT_ONCE = 16;

/** Its words are gone through, from now on. In the transaction in which it is put out. */
export function disownResults({ db }: Pick<ForemanState, 'db'>, nodeId: string): void {
  db.insert(disowned).values({ nodeId }).onConflictDoNothing().run();
}

export const isWithdrawalDue = ({ db }: Pick<ForemanState, 'db'>): boolean => anyDisowned(db).get() !== undefined;

const anyDisowned = prepared((db) => db.select().from(disowned).limit(1).prepare());

/** All that can be gone through now. @throws when the store does not answer: to be tried again */
export async function withdraw(state: ForemanState, now: number): Promise<void> {
  const waiting = new Set<string>();
  for (let isNews = true; isNews; ) {
    isNews = false;
    for (let next = nextDisowned(state, ''); next; next = nextDisowned(state, next.nodeId)) {
      if (waiting.has(next.nodeId)) continue;
      // Of who was put out meanwhile some may stand before this one.
      isNews = true;
      if (!(await withdrawOf(state, next.nodeId, now))) waiting.add(next.nodeId);
    }
  }
}

/** False where something has to be waited for. */
async function withdrawOf(state: ForemanState, nodeId: string, now: number): Promise<boolean> {
  let isWaiting = false;
  let withdrawn = 0;
  for (let behind = 0; ; ) {
    const page = rightVotes(state, nodeId, behind);
    const last = page.at(-1);
    if (!last) break;
    behind = last.place;
    for (const { vote } of page) {
      // What is being published now is there in a moment, and can be taken back then; it is gone round till then.
      if (state.queue.byHash(vote.requestHash)?.state === 'publishing') isWaiting = true;
      else if (await withdrawVote(state, vote, now)) withdrawn += 1;
    }
  }
  if (withdrawn > 0)
    logWarning('results are withdrawn that stood on the word of a node', { node: nodeId, results: withdrawn });
  if (!isWaiting) isDealtWith(state, nodeId);
  return !isWaiting;
}

/** Whatever becomes of the node, nothing that it has vouched for until now counts for who checks an image. */
function isDealtWith({ db, log }: ForemanState, nodeId: string): void {
  db.transaction(() => {
    db.delete(disowned).where(eq(disowned.nodeId, nodeId)).run();
    db.update(nodes)
      .set({ disownedUpTo: log.last()?.sequence ?? 0 })
      .where(eq(nodes.id, nodeId))
      .run();
  });
}

/** True where there was something to take back. */
async function withdrawVote(state: ForemanState, vote: VoteRow, now: number): Promise<boolean> {
  const { requestHash } = vote;
  const record = await publishedRecord(state.store, requestHash);
  return state.db.transaction(() => {
    // While the store was asked, its operator may have said something else in its place (cast-vote.ts).
    const isThere = ({ leaseId, verdict }: VoteRow) => leaseId === vote.leaseId && verdict === 'right';
    if (!state.votes.rowsOf(requestHash).some(isThere)) return false;
    // Where there is no record it was a failure.
    const about = record ?? state.queue.byHash(requestHash);
    const goes = about !== undefined && !stands(state, about, vote.nodeId, now);
    if (goes) recall(state, about, now);
    state.votes.judge(vote, 'withdrawn');
    return goes;
  });
}

/** Null where none is published. */
export const publishedRecord = (store: ObjectStore, requestHash: string): Promise<BuildRecord | null> =>
  storedJson<BuildRecord>(store, storeKey.build(requestHash));

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
  return decide(left, ruleOf(state, about.request), policy, farmFor(state, about.request, now)).decision === 'agreed';
}

const nextDisowned = ({ db }: ForemanState, behind: string) =>
  db.select().from(disowned).where(gt(disowned.nodeId, behind)).orderBy(asc(disowned.nodeId)).limit(1).get();

/** By the verdict as text: the index of these is used for this very text alone, and has each node's in the order of the table. */
const rightVotes = ({ db }: Pick<ForemanState, 'db'>, nodeId: string, behind: number) =>
  db
    .select({ vote: votes, place: sql<number>`${votes}.rowid` })
    .from(votes)
    .where(and(eq(votes.nodeId, nodeId), sql`${votes.verdict} = 'right'`, sql`${votes}.rowid > ${behind}`))
    .orderBy(sql`${votes}.rowid`)
    .limit(AT_ONCE)
    .all();

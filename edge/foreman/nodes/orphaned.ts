/**
 * What a node leaves behind that is put out. Its leases end and its open votes go at once, by one statement each; but each build that it
 * had, or had spoken of, is then looked at, and a node may have spoken of thousands, beside which nobody else would be heard for seconds.
 * So they are kept in a table and settled in steps, which the alarm goes on with. Until it is its turn such a build waits for those for
 * whom it was, and nobody has it.
 */
import { and, asc, eq, sql } from 'drizzle-orm';
import { isPrebuild } from '../../../shared/queue/turn.ts';
import { logError, stackOf } from '../../log.ts';
import type { ForemanState } from '../foreman-state.ts';
import { prepared } from '../prepared.ts';
import { isUndecided, type LeaseRow, leases, orphaned, votes } from '../schema.ts';
import { awaitAnew } from '../trust/decide-build.ts';

/** A millisecond each, on a slow machine. */
const AT_ONCE = 32;

type Orphan = typeof orphaned.$inferSelect;

/** No lease: a word about it was taken back. */
const NO_LEASE = '';
const FIRST: Orphan = { requestHash: '', leaseId: NO_LEASE };

/** Within the transaction in which it is put out. By states as texts: the indexes of these alone are used for these very texts. */
export function orphan({ db, leases: register, votes: ballot }: ForemanState, nodeId: string, why: string): void {
  // Of a check the build has another lease.
  db.run(sql`INSERT OR IGNORE INTO ${orphaned} SELECT ${leases.requestHash}, ${leases.id} FROM ${leases}
    WHERE ${leases.nodeId} = ${nodeId} AND ${leases.state} = 'active' AND ${leases.checkId} IS NULL`);
  register.endAllOf(nodeId, why);
  db.run(sql`INSERT OR IGNORE INTO ${orphaned} SELECT ${votes.requestHash}, ${NO_LEASE} FROM ${votes}
    WHERE ${votes.nodeId} = ${nodeId} AND ${votes.verdict} = 'open'`);
  ballot.removeOpen(nodeId);
}

export const areOrphaned = ({ db }: Pick<ForemanState, 'db'>): boolean =>
  pages(db).get({ ...FIRST, limit: 1 }) !== undefined;

/**
 * As many as there is time for, behind this one. Where the next ones begin; null at the end. One that cannot be settled holds up none of
 * the others, and is tried again with the next alarm.
 */
export function settleOrphaned(state: ForemanState, now: number, behind = FIRST): Orphan | null {
  const page = pages(state.db).all({ ...behind, limit: AT_ONCE });
  for (const row of page)
    try {
      state.db.transaction(() => settle(state, row, now));
    } catch (error) {
      logError('settling what a node left behind failed and is tried again', { error: stackOf(error) });
    }
  return page.length === AT_ONCE ? (page.at(-1) ?? null) : null;
}

function settle(state: ForemanState, row: Orphan, now: number): void {
  const { db, queue } = state;
  const { requestHash, leaseId } = row;
  const build = queue.byHash(requestHash);
  if (leaseId === NO_LEASE) {
    // By its word it may have been for others than it would have been without; one that somebody has now may come back.
    if (build && isUndecided(build)) awaitAnew(state, build, now);
  } else {
    if (build && isPrebuild(build)) noteTime(state, state.leases.byId(leaseId), now);
    if (build?.leaseId === leaseId) queue.requeue(requestHash, false, now);
  }
  db.delete(orphaned)
    .where(and(eq(orphaned.requestHash, requestHash), eq(orphaned.leaseId, leaseId)))
    .run();
}

/** As at the end of any lease (end-lease.ts). */
function noteTime({ statistics }: ForemanState, lease: LeaseRow | undefined, now: number): void {
  if (lease) statistics.prebuildTime(now - lease.grantedAt, now);
}

const pages = prepared((db) =>
  db
    .select()
    .from(orphaned)
    .where(
      sql`(${orphaned.requestHash}, ${orphaned.leaseId}) > (${sql.placeholder('requestHash')}, ${sql.placeholder('leaseId')})`,
    )
    .orderBy(asc(orphaned.requestHash), asc(orphaned.leaseId))
    .limit(sql.placeholder('limit'))
    .prepare(),
);

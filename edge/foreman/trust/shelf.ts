/**
 * Builds on which as many volunteers agree as it takes, in a farm of fewer operators than it takes for that to count. What was made
 * is kept, to be decided upon once there are enough (decide-shelved.ts): else it would wait for a trusted node for ever, though
 * nothing is missing any more.
 */
import { asc, eq, lte, sql } from 'drizzle-orm';
import type { AcceptedResult } from '../../../shared/build/accept-result.ts';
import { decide } from '../../../shared/trust/quorum.ts';
import type { ForemanState } from '../foreman-state.ts';
import { prepared } from '../prepared.ts';
import { type BuildRow, type LeaseRow, type ShelvedRow, shelved } from '../schema.ts';
import { openVotes, ruleOf } from './decide-build.ts';

/** Until it is looked at again in a farm that is large. */
const LONGER_MS = 10 * 60_000;

type Tables = Pick<ForemanState, 'db'>;

/** What a volunteer made; null: it failed, as often as it is tried. */
export type Shelvable = { readonly result: AcceptedResult; readonly unindexed: readonly string[] } | null;

/** Its word is a vote already, and has decided nothing: is it for want of operators alone? */
export function shelveIfFarmIsSmall(
  state: ForemanState,
  build: BuildRow,
  { id: leaseId }: LeaseRow,
  made: Shelvable,
  now: number,
): void {
  if (!wouldBeDecided(state, build, leaseId, now)) return;
  const kept = { leaseId, result: made?.result ?? null, unindexed: made?.unindexed ?? [] };
  const { requestHash } = build;
  state.db
    .insert(shelved)
    .values({ requestHash, ...kept })
    .onConflictDoUpdate({ target: shelved.requestHash, set: kept })
    .run();
}

/** By what this lease made, if the farm were large. */
export function wouldBeDecided(state: ForemanState, build: BuildRow, leaseId: string, now: number): boolean {
  const votes = openVotes(state, build.requestHash, now);
  const farm = { activeOperators: Number.POSITIVE_INFINITY };
  const decision = decide(votes, ruleOf(state, build.request), state.config.TRUST_POLICY, farm);
  return decision.decision === 'agreed' && decision.attesters.some((vote) => vote.leaseId === leaseId);
}

/** The farm is large, and not for this one: few may fetch from its feeds. */
export function shelveLonger({ db }: Tables, requestHash: string, now: number): void {
  db.update(shelved)
    .set({ dueAt: now + LONGER_MS })
    .where(eq(shelved.requestHash, requestHash))
    .run();
}

/** It is decided, or has ended. */
export function unshelve({ db }: Tables, requestHash: string): void {
  db.delete(shelved).where(eq(shelved.requestHash, requestHash)).run();
}

/** Whose files may be published yet. */
export const shelvedLeaseOf = ({ db }: Tables, requestHash: string): string | undefined =>
  db.select({ leaseId: shelved.leaseId }).from(shelved).where(eq(shelved.requestHash, requestHash)).get()?.leaseId;

export const shelvedBuilds = ({ db }: Tables, limit: number, now: number): ShelvedRow[] =>
  eldest(db).all({ now, limit });

const eldest = prepared((db) =>
  db
    .select()
    .from(shelved)
    .where(lte(shelved.dueAt, sql.placeholder('now')))
    .orderBy(asc(shelved.dueAt))
    .limit(sql.placeholder('limit'))
    .prepare(),
);

/** Has the farm grown, and does something wait for that? As of some seconds ago: asked for with every call. */
export const isShelfDue = (state: ForemanState, now: number): boolean =>
  shelvedBuilds(state, 1, now).length > 0 &&
  state.operators.lately(now).active >= state.config.TRUST_POLICY.active_operators;
